#include "wire/http1/client.hpp"

#include <array>

#include "http/chunked.hpp"
#include "wire/client_pool_impl.hpp"
#include "wire/connection.hpp"
#include "wire/http1/tunnel.hpp"

namespace larder::wire::http1 {
namespace {

using origin::BodyReader;

using net::piece;

// The bytes of a stored response for this request.
inline std::array<iovec, 3> pieces_of(const cache::StoredResponse& entry, std::string_view text,
                                      http::Method method) {
    const std::string_view body = method == http::Method::head ? std::string_view{} : entry.body();
    return {piece(entry.head()), piece(text), piece(body)};
}

std::size_t size_of(std::span<const iovec> pieces) {
    std::size_t size = 0;
    for (const iovec& part : pieces) size += part.iov_len;
    return size;
}

}  // namespace

Client::Client(flow::Services& services_in)
    : flow::Client(services_in), head_(services_in.buffers) {
    exchange().storage.fields.reserve(64);
}

void Client::begin_request() {
    exchange().reset();
    body_.reset();
    body_at_hand_ = 0;
    framing_ = {};
    ended_ = false;
}

void Client::end_request() {
    connection_->in.consume(body_at_hand_);
    body_at_hand_ = 0;
    body_.reset();
    head_.release();
    exchange().release();
}

void Client::detach() {
    exchange().release();
    rest_of_.reset();
    body_.reset();
    head_.release();
    connection_ = nullptr;
}

bool Client::may_keep_alive() {
    return exchange().keep_alive && request().keep_alive && !services.draining;
}

// ---- the request's body

std::string_view Client::take_body_at_hand() {
    if (request().framing != http::Framing::length) return {};
    const std::string_view there = connection_->in.view();
    if (there.size() < request().content_length) return {};
    body_at_hand_ = static_cast<std::size_t>(request().content_length);
    exchange().bytes_in += body_at_hand_;
    exchange().body_pending = false;
    return there.substr(0, body_at_hand_);
}

// The body or a tunnel is read through the connection's buffer while the head is still needed. So
// the head keeps the buffer's block, and the bytes after the head move into another one.
void Client::keep_head_apart() {
    net::Buffer& in = connection_->in;
    const std::string_view rest = in.view();
    head_.swap(in);
    const net::Buffer::Room room = in.room(rest.size());
    std::copy(rest.begin(), rest.end(), room.at);
    in.append_done(rest.size());
}

net::Task<BodyReader::Piece> Client::read_body() {
    if (!body_) {
        keep_head_apart();
        body_.emplace(connection_->stream, connection_->in, request().framing,
                      request().content_length, settings().limits.body_timeout,
                      http::ChunkSender::client);
    }
    const BodyReader::Piece next = co_await body_->next();
    exchange().bytes_in += next.data.size();
    if (next.status == BodyReader::Status::end) exchange().body_pending = false;
    co_return next;
}

std::string_view Client::body_trailers() const {
    return body_ ? std::string_view(body_->trailers()) : std::string_view{};
}

void Client::interrupt() { connection_->stream.cancel(); }

void Client::resume() { connection_->stream.clear_timeout(); }

// ---- the response

void Client::send_entry_at_once(cache::Stored entry) {
    flow::Exchange& exchange = this->exchange();
    exchange.keep_alive = may_keep_alive() && !exchange.body_pending;
    append_connection(exchange.keep_alive, request().minor_version, exchange.text);
    exchange.text += "\r\n";
    const std::array<iovec, 3> pieces = pieces_of(*entry, exchange.text, request().method);
    const std::size_t size = size_of(pieces);
    exchange.bytes_out = size;
    exchange.answered = true;
    const net::IoResult result = connection_->stream.try_write(pieces.data(), pieces.size());
    if (result.kind == net::IoResult::Kind::done && result.bytes == size) return;
    if (result.kind == net::IoResult::Kind::failed) {
        exchange.keep_alive = false;
        return;
    }
    rest_of_ = std::move(entry);
    rest_sent_ = result.bytes;
}

net::Task<void> Client::send_rest() {
    const cache::Stored entry = std::move(rest_of_);
    std::array<iovec, 3> pieces = pieces_of(*entry, exchange().text, request().method);
    std::size_t skip = rest_sent_;
    for (iovec& part : pieces) {
        const std::size_t sent = std::min(skip, part.iov_len);
        part.iov_base = static_cast<char*>(part.iov_base) + sent;
        part.iov_len -= sent;
        skip -= sent;
    }
    const bool sent =
        co_await connection_->stream.write_all(pieces, settings().limits.body_timeout);
    note_sent(sent);
}

void Client::begin_response(int status, flow::BodyLength length) {
    flow::Exchange& exchange = this->exchange();
    FramedResponse response;
    response.method = request().method;
    response.minor_version = request().minor_version;
    response.may_keep_alive = may_keep_alive() && !exchange.body_pending;
    response.status = status;
    response.length = length.bytes;
    response.length_in_lines = length.in_lines;
    framing_ = frame_response(response);
    exchange.keep_alive = framing_.keep_alive;
    append_framing(response, framing_, exchange.text);
    exchange.text += "\r\n";
}

void Client::note_sent(bool sent) {
    exchange().text.clear();
    if (!sent) exchange().keep_alive = false;
}

net::Task<bool> Client::send_body(std::string_view data, flow::Follows follows) {
    const bool last = follows == flow::Follows::nothing;
    if (!framing_.has_body) data = {};
    const http::ChunkHead chunk(data.size());
    std::string_view before;
    std::string_view after;
    if (framing_.chunked && !data.empty()) {
        before = chunk.text();
        after = last ? "\r\n0\r\n\r\n" : "\r\n";
    } else if (framing_.chunked && last) {
        after = "0\r\n\r\n";
    }
    ended_ |= last;
    std::array<iovec, 4> pieces{piece(exchange().text), piece(before), piece(data), piece(after)};
    const std::size_t size = size_of(pieces);
    if (size == 0) co_return true;
    exchange().answered = true;
    exchange().bytes_out += size;
    const bool sent =
        co_await connection_->stream.write_all(pieces, settings().limits.body_timeout);
    note_sent(sent);
    co_return sent;
}

net::Task<bool> Client::end_body(std::string_view trailers) {
    if (ended_) co_return true;
    if (!framing_.chunked || trailers.empty()) {
        const bool sent = co_await send_body(std::string_view(), flow::Follows::nothing);
        co_return sent;
    }
    ended_ = true;
    std::array<iovec, 4> pieces{piece(exchange().text), piece("0\r\n"), piece(trailers),
                                piece("\r\n")};
    exchange().answered = true;
    exchange().bytes_out += size_of(pieces);
    const bool sent =
        co_await connection_->stream.write_all(pieces, settings().limits.body_timeout);
    note_sent(sent);
    co_return sent;
}

net::Task<bool> Client::send_interim(std::string_view lines) {
    if (request().minor_version == 0) co_return true;
    std::array<iovec, 2> pieces{piece(lines), piece("\r\n")};
    const bool sent =
        co_await connection_->stream.write_all(pieces, settings().limits.body_timeout);
    co_return sent;
}

void Client::break_off() {
    exchange().keep_alive = false;
    if (!exchange().answered || !framing_.has_body) return;
    connection_->stream.abort();
}

net::Task<void> Client::run_tunnel(std::string_view lines, net::Stream& origin,
                                   net::Buffer& origin_in) {
    exchange().status = 101;
    exchange().keep_alive = false;
    keep_head_apart();
    const bool sent = co_await send_interim(lines);
    if (!sent) co_return;
    const TunnelSide client{connection_->stream, connection_->in};
    const TunnelSide server{origin, origin_in};
    co_await copy_both_ways(services.executor(), client, server, exchange());
}

// ---- for HoldUpWatch

std::uint64_t Client::bytes_unacknowledged() const {
    return connection_->stream.bytes_unacknowledged();
}

bool Client::connected() const { return connection_->stream.is_open(); }

void Client::reset() { connection_->stream.abort(); }

// ---- the pool

}  // namespace larder::wire::http1

template class larder::wire::ClientPool<larder::wire::http1::Client>;
