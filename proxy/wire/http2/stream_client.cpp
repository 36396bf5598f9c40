#include "wire/http2/stream_client.hpp"

#include "wire/client_pool_impl.hpp"
#include "wire/http1/response_framing.hpp"
#include "wire/http2/endpoint.hpp"

namespace larder::wire::http2 {
namespace {

using origin::BodyReader;

}  // namespace

StreamClient::StreamClient(flow::Services& services_in)
    : flow::Client(services_in),
      body_event_(services_in.executor()),
      sent_event_(services_in.executor()),
      arriving_(services_in.buffers),
      lent_(services_in.buffers) {
    exchange().storage.fields.reserve(64);
}

void StreamClient::attach(Endpoint& endpoint, Stream& stream) {
    endpoint_ = &endpoint;
    stream_ = &stream;
    exchange().reset();
    exchange().began = steady_now();
    body_ended_ = !stream.receives;
    interrupted_ = sent_well_ = false;
    has_body_ = true;
}

void StreamClient::detach() {
    exchange().release();
    arriving_.release();
    lent_.release();
    trailers_.clear();
    stream_ = nullptr;
    endpoint_ = nullptr;
}

// ---- what the session tells

void StreamClient::body_came(std::string_view data) {
    const net::Buffer::Room room = arriving_.room(data.size());
    std::copy(data.begin(), data.end(), room.at);
    arriving_.append_done(data.size());
    body_event_.notify();
}

void StreamClient::body_ended(std::string_view trailers) {
    trailers_ = trailers;
    body_ended_ = true;
    body_event_.notify();
}

void StreamClient::body_taken() { sent_event_.notify(); }

void StreamClient::stream_closed(bool complete) {
    stream_ = nullptr;
    sent_well_ = complete;
    body_event_.notify();
    sent_event_.notify();
}

// ---- the request's body

std::string_view StreamClient::take_body_at_hand() {
    if (request().framing != http::Framing::length || !body_ended_ || !trailers_.empty()) return {};
    exchange().bytes_in += arriving_.size();
    exchange().body_pending = false;
    return arriving_.view();
}

// Gives back what was lent, and lends what has come.
bool StreamClient::take_buffered(BodyReader::Piece& piece) {
    if (const std::size_t used = lent_.size(); used > 0) {
        lent_.consume(used);
        if (stream_) endpoint_->body_used(*stream_, used);
    }
    if (interrupted_) {
        piece = {BodyReader::Status::truncated, {}};
    } else if (!arriving_.empty()) {
        lent_.swap(arriving_);
        exchange().bytes_in += lent_.size();
        piece = {BodyReader::Status::data, lent_.view()};
    } else if (body_ended_) {
        exchange().body_pending = false;
        piece = {BodyReader::Status::end, {}};
    } else if (!stream_) {
        piece = {BodyReader::Status::truncated, {}};
    } else {
        return false;
    }
    return true;
}

net::Task<BodyReader::Piece> StreamClient::read_body() {
    BodyReader::Piece piece;
    const SteadyTime give_up = steady_now() + settings().limits.body_timeout;
    while (!take_buffered(piece)) {
        const bool goes_on = co_await body_event_.wait_until(give_up);
        if (!goes_on) {
            piece.status = BodyReader::Status::truncated;
            co_return piece;
        }
        if (steady_now() >= give_up && arriving_.empty() && !body_ended_ && stream_) {
            piece.status = BodyReader::Status::timed_out;
            co_return piece;
        }
    }
    co_return piece;
}

void StreamClient::interrupt() {
    interrupted_ = true;
    body_event_.notify();
}

// ---- the response

void StreamClient::send_entry_at_once(cache::Stored entry) {
    flow::Exchange& exchange = this->exchange();
    const bool has_body = request().method != http::Method::head && !entry->body().empty();
    exchange.answered = true;
    exchange.bytes_out =
        entry->head().size() + exchange.text.size() + (has_body ? entry->body().size() : 0);
    if (!stream_) return;
    Stream& stream = *stream_;
    if (has_body) {
        stream.body = entry->body();
        stream.body_ends = true;
        stream.entry = entry;
    }
    endpoint_->session().send_head(stream, entry->head(), exchange.text,
                                   has_body ? Session::HasBody::yes : Session::HasBody::no);
}

bool StreamClient::has_rest() const { return stream_ && stream_->is_stuck(); }

void StreamClient::begin_response(int status, flow::BodyLength length) {
    http1::FramedResponse response;
    response.method = request().method;
    response.status = status;
    response.length = length.bytes;
    response.length_in_lines = length.in_lines;
    has_body_ = http1::frame_response(response).has_body;
    http1::append_length(response, exchange().text);
}

// Gives the session what is to be sent, and waits until it has taken all of it.
net::Task<bool> StreamClient::send(std::string_view data, flow::Follows follows) {
    if (!stream_) co_return sent_well_;
    flow::Exchange& exchange = this->exchange();
    const bool begins = !stream_->responded;
    exchange.bytes_out += data.size() + (begins ? exchange.text.size() : 0);
    exchange.answered = true;
    stream_->body = data;
    stream_->body_ends = follows == flow::Follows::nothing;
    if (begins) {
        const bool ends_now = data.empty() && stream_->body_ends && stream_->trailers.empty();
        endpoint_->session().send_head(
            *stream_, exchange.text, {},
            has_body_ && !ends_now ? Session::HasBody::yes : Session::HasBody::no);
        exchange.text.clear();
    } else {
        endpoint_->session().resume(*stream_);
    }
    co_await send_rest();
    co_return stream_ || sent_well_;
}

net::Task<void> StreamClient::send_rest() {
    endpoint_->flush();
    while (stream_ && !stream_->body.empty()) {
        endpoint_->watch_stall();
        const bool goes_on = co_await sent_event_.wait();
        if (!goes_on && stream_) endpoint_->drop(*stream_, ErrorCode::internal_error);
    }
}

net::Task<bool> StreamClient::send_body(std::string_view data, flow::Follows follows) {
    if (stream_ && stream_->is_response_complete()) co_return true;
    if (!has_body_) {
        data = {};
        follows = flow::Follows::nothing;
    }
    const bool sent = co_await send(data, follows);
    co_return sent;
}

net::Task<bool> StreamClient::end_body(std::string_view trailers) {
    if (!stream_) co_return sent_well_;
    if (stream_->is_response_complete()) co_return true;
    if (has_body_) stream_->trailers = trailers;
    const bool sent = co_await send(std::string_view(), flow::Follows::nothing);
    co_return sent;
}

net::Task<bool> StreamClient::send_interim(std::string_view lines) {
    if (!stream_) co_return false;
    endpoint_->session().send_interim(*stream_, lines);
    endpoint_->flush();
    co_return true;
}

void StreamClient::break_off() {
    if (!stream_ || !stream_->responded || stream_->is_response_complete()) return;
    endpoint_->drop(*stream_, ErrorCode::internal_error);
}

// A request of HTTP/2 cannot ask for another protocol (RFC 9113, 8.6), so no origin may switch.
net::Task<void> StreamClient::run_tunnel(std::string_view, net::Stream&, net::Buffer&) {
    break_off();
    co_return;
}

// ---- for HoldUpWatch

std::uint64_t StreamClient::bytes_unacknowledged() const {
    if (!stream_) return 0;
    return stream_->body.size() + endpoint_->bytes_unacknowledged(*stream_);
}

void StreamClient::reset() {
    if (stream_) endpoint_->drop(*stream_, ErrorCode::cancel);
}

// ---- the pool

}  // namespace larder::wire::http2

template class larder::wire::ClientPool<larder::wire::http2::StreamClient>;
