#include "wire/http1/serve.hpp"

#include <boost/asio/post.hpp>

#include "flow/answer_request.hpp"
#include "flow/finish_request.hpp"
#include "flow/send_response.hpp"
#include "net/detached.hpp"
#include "wire/connection_list.hpp"
#include "wire/http1/client.hpp"
#include "wire/http1/read_request.hpp"

namespace larder::wire::http1 {
namespace {

using cache::Detail;

constexpr Milliseconds linger_max{1000};
constexpr std::size_t linger_bytes_max = 1024 * 1024;

struct Refusal {
    int status;
    Detail detail;
};

Refusal refusal_of(http::HeadStatus status) {
    switch (status) {
        case http::HeadStatus::too_large:
            return {431, Detail::limit};
        case http::HeadStatus::target_too_long:
            return {414, Detail::limit};
        case http::HeadStatus::not_implemented:
            return {501, Detail::not_implemented};
        default:
            return {400, Detail::bad_request};
    }
}

net::Task<void> refuse(Connection& connection, const http::HeadResult& parsed) {
    Client& client = *connection.client;
    const Refusal refusal = refusal_of(parsed.status);
    client.exchange().request.fields = {};
    client.exchange().request.keep_alive = false;
    client.exchange().outcome = cache::Outcome();
    client.exchange().bytes_in = connection.in.size();
    connection.in.consume(connection.in.size());
    co_await flow::answer_error(client, refusal.status, refusal.detail, parsed.why,
                                flow::KeepAlive::no);
    flow::finish_request(client);
}

// Answers when no request came, or only a part of one.
net::Task<void> answer_without_request(Connection& connection, int status, Detail detail,
                                       std::string_view message) {
    Client& client = begin_request(connection);
    client.exchange().request = {};
    client.exchange().began = steady_now();
    co_await flow::answer_error(client, status, detail, message, flow::KeepAlive::no);
    flow::finish_request(client);
}

// Ends a wait for a head that took too long: with 408 if a part of the head came, else without an
// answer.
net::Task<void> time_out(Connection& connection) {
    connection.stream.clear_timeout();
    if (!connection.stream.is_open() || connection.in.empty()) co_return;
    co_await answer_without_request(connection, 408, Detail::client_timeout,
                                    "the request head did not arrive within limits.header_timeout");
}

net::Task<void> answer(Connection& connection) {
    Client& client = *connection.client;
    const http::RequestHead& request = client.request();
    connection.stream.never_expire();
    if (request.framing == http::Framing::length &&
        request.content_length > client.settings().limits.body_bytes) {
        co_await flow::answer_error(client, 413, Detail::limit,
                                    "the request's body is larger than limits.body_bytes",
                                    flow::KeepAlive::no);
    } else {
        co_await flow::answer_request(client);
    }
    flow::finish_request(client);
}

// The kernel resets a connection that is closed with unread bytes, and a client that still sends
// would lose the response. So read on for a moment.
net::Task<void> linger(Connection& connection) {
    net::Stream& stream = connection.stream;
    if (!stream.is_open()) co_return;
    stream.shutdown_write();
    stream.clear_timeout();
    stream.expire_at(steady_now() + linger_max);
    std::size_t drained = 0;
    while (drained < linger_bytes_max) {
        connection.in.consume(connection.in.size());
        const net::Buffer::Room room = connection.in.room(4096);
        const net::IoResult got = co_await stream.read_some(room.at, room.size);
        if (got.kind != net::IoResult::Kind::done) break;
        drained += got.bytes;
    }
}

// Waits for more bytes of a head. False: none will come.
net::Task<bool> wait_for_more(Connection& connection) {
    if (connection.idle) {
        connection.idle = false;
        const settings::Limits& limits = connection.services().config->settings.limits;
        connection.stream.expire_at(steady_now() + limits.header_timeout);
    }
    while (true) {
        const ReadResult result = read_some(connection);
        if (result == ReadResult::data) co_return true;
        if (result == ReadResult::closed) break;
        const bool ready = co_await connection.stream.readable();
        if (!ready) break;
    }
    if (connection.stream.timed_out()) co_await time_out(connection);
    co_return false;
}

// Does the step that needs a coroutine. False: the connection ends.
net::Task<bool> take_step(Connection& connection, const RequestRead& read) {
    switch (read.step) {
        case Step::read_more: {
            const bool more = co_await wait_for_more(connection);
            co_return more;
        }
        case Step::answered:
            co_await connection.client->send_rest();
            flow::finish_request(*connection.client);
            break;
        case Step::answer:
            co_await answer(connection);
            break;
        case Step::refuse:
            co_await refuse(connection, read.parsed);
            break;
    }
    connection.client->end_request();
    connection.idle = true;
    const flow::Exchange& exchange = connection.client->exchange();
    const bool go_on = exchange.keep_alive && connection.stream.is_open();
    const bool client_may_send =
        exchange.body_pending || read.step == Step::refuse || !connection.in.empty();
    if (!go_on && client_may_send) co_await linger(connection);
    co_return go_on;
}

// Finishes the request if a hit was sent at once and completely. True: it was.
bool finish_if_sent(Connection& connection, const RequestRead& read) {
    if (read.step != Step::answered || connection.client->has_rest()) return false;
    flow::finish_request(*connection.client);
    return true;
}

// Serves with a coroutine until no bytes of the client are left to answer.
net::Task<void> serve_by_coroutine(Connection& connection, RequestRead read) {
    CloseOnReturn closing(connection);
    while (true) {
        bool go_on = false;
        if (finish_if_sent(connection, read)) {
            go_on = connection.client->exchange().keep_alive;
        } else {
            go_on = co_await take_step(connection, read);
        }
        if (!go_on) co_return;
        if (connection.in.empty()) break;
        read = read_request(connection);
    }
    closing.dismiss();
    wait_for_request(connection);
}

void serve_ready(Connection& connection) {
    CloseOnReturn closing(connection);
    const ReadResult result = read_some(connection);
    if (result == ReadResult::closed) return;
    closing.dismiss();
    if (result == ReadResult::nothing) return wait_for_request(connection);
    serve(connection);
}

void on_ready(void* connection) { serve_ready(*static_cast<Connection*>(connection)); }

void go_idle(Connection& connection) {
    if (connection.client) connection.list.http1_clients.give_back(std::move(connection.client));
    connection.in.release();
    connection.idle = true;
    const settings::Limits& limits = connection.services().config->settings.limits;
    connection.stream.expire_at(steady_now() + limits.keepalive_timeout);
}

}  // namespace

void serve(Connection& connection) {
    CloseOnReturn closing(connection);
    while (!connection.in.empty()) {
        const RequestRead read = read_request(connection);
        if (!finish_if_sent(connection, read)) {
            closing.dismiss();
            const net::Executor executor = connection.services().executor();
            net::start_detached(executor, serve_by_coroutine(connection, read),
                                "answering a client");
            return;
        }
        if (!connection.client->exchange().keep_alive) return;
    }
    closing.dismiss();
    wait_for_request(connection);
}

void wait_for_request(Connection& connection) {
    go_idle(connection);
    if (connection.stream.known_empty()) {
        connection.stream.when_readable(&on_ready, &connection);
        return;
    }
    // More bytes may be there already, but other connections come first.
    connection.stream.expect_more();
    const net::Executor executor = connection.services().executor();
    boost::asio::post(executor, [&connection] { serve_ready(connection); });
}

net::Task<void> turn_away(Connection& connection) {
    // Unread bytes of a request would make the kernel reset the connection at its close.
    static_cast<void>(read_some(connection));
    co_await answer_without_request(connection, 503, Detail::limit,
                                    "too many connections from this address");
}

}  // namespace larder::wire::http1
