#include "flow/read_key_body.hpp"

#include "flow/send_response.hpp"
#include "http/chunked.hpp"

namespace larder::flow {
namespace {

using Status = origin::BodyReader::Status;

// Answers for a body that did not come; a client that is gone gets nothing.
net::Task<void> answer_broken_body(Client& client, Status status) {
    Exchange& exchange = client.exchange();
    exchange.keep_alive = false;
    if (status == Status::timed_out) {
        client.resume();
        co_await answer_error(client, 408, cache::Detail::client_timeout,
                              "the request's body stalled for longer than limits.body_timeout",
                              KeepAlive::no);
    } else if (status == Status::malformed) {
        co_await answer_error(client, 400, cache::Detail::bad_request,
                              "the request's body is malformed", KeepAlive::no);
    }
}

// Asks for the body that the client holds back until 100 (Continue) (RFC 9110, 10.1.1).
net::Task<void> invite_body(Client& client) {
    http::RequestHead& request = client.exchange().request;
    if (!request.expects_continue) co_return;
    request.expects_continue = false;
    const bool sent = co_await client.send_interim("HTTP/1.1 100 Continue\r\n");
    static_cast<void>(sent);
}

// From now on the body has a length, whatever it came in.
void hold_whole(Exchange& exchange, std::string_view body) {
    http::RequestHead& request = exchange.request;
    request.body = body;
    exchange.body_taken = true;
    if (request.framing == http::Framing::none) return;
    request.framing = http::Framing::length;
    request.content_length = body.size();
}

net::Task<KeyBody> read_pieces(Client& client, std::size_t most) {
    Exchange& exchange = client.exchange();
    const std::uint64_t allowed = client.settings().limits.body_bytes;
    while (true) {
        const origin::BodyReader::Piece piece = co_await client.read_body();
        if (piece.status == Status::end) break;
        if (piece.status != Status::data) {
            co_await answer_broken_body(client, piece.status);
            co_return KeyBody::ended;
        }
        exchange.body.append(piece.data);
        if (exchange.body.size() > allowed) {
            co_await answer_error(client, 413, cache::Detail::limit,
                                  "the request's body is larger than limits.body_bytes",
                                  KeepAlive::no);
            co_return KeyBody::ended;
        }
        if (exchange.body.size() > most) {
            exchange.body_taken = true;
            co_return KeyBody::too_large;
        }
    }
    hold_whole(exchange, exchange.body);
    co_return KeyBody::whole;
}

}  // namespace

net::Task<KeyBody> read_key_body(Client& client) {
    Exchange& exchange = client.exchange();
    const std::size_t most = client.settings().limits.key_body;
    const bool known = exchange.request.framing == http::Framing::length;
    if (known && exchange.request.content_length > most) co_return KeyBody::too_large;
    if (exchange.request.framing == http::Framing::none || !exchange.body_pending) {
        hold_whole(exchange, {});
        co_return KeyBody::whole;
    }
    co_await invite_body(client);
    const std::string_view at_hand = client.take_body_at_hand();
    if (!at_hand.empty()) {
        hold_whole(exchange, at_hand);
        co_return KeyBody::whole;
    }
    const KeyBody read = co_await read_pieces(client, most);
    co_return read;
}

std::string_view frame_beginning(Exchange& exchange) {
    if (exchange.request.framing != http::Framing::chunked) return exchange.body;
    const http::ChunkHead chunk(exchange.body.size());
    exchange.body.insert(0, chunk.text());
    exchange.body.append("\r\n");
    return exchange.body;
}

}  // namespace larder::flow
