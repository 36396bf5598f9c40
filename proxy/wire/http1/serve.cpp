#include "wire/http1/serve.hpp"

#include <boost/asio/post.hpp>

#include "flow/finish_request.hpp"
#include "flow/send_response.hpp"
#include "net/detached.hpp"
#include "wire/answer.hpp"
#include "wire/connection_list.hpp"
#include "wire/http1/client.hpp"
#include "wire/http1/read_request.hpp"
#include "wire/http2/serve.hpp"

namespace larder::wire::http1 {
namespace {

using cache::Detail;

// The bytes behind a head that is not acceptable are not read as another one.
net::Task<void> refuse_head(Connection& connection, const http::HeadResult& parsed) {
    connection.client->exchange().bytes_in = connection.in.size();
    connection.in.consume(connection.in.size());
    co_await refuse(*connection.client, parsed);
    flow::finish_request(*connection.client);
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

// Whether the client may send requests behind the last one that is answered: it has sent some, or
// does not know that larder ends the connection.
bool may_send_more(const Connection& connection) {
    return !connection.in.empty() || connection.client->exchange().request.keep_alive;
}

// Does the step that needs a coroutine. False: the connection ends.
net::Task<bool> take_step(Connection& connection, const RequestRead& read) {
    switch (read.step) {
        case Step::read_more: {
            const bool more = co_await wait_for_more(connection);
            co_return more;
        }
        case Step::answered:
            connection.stream.never_expire();
            co_await connection.client->send_rest();
            flow::finish_request(*connection.client);
            break;
        case Step::answer:
            connection.stream.never_expire();
            co_await answer(*connection.client);
            flow::finish_request(*connection.client);
            break;
        case Step::refuse:
            co_await refuse_head(connection, read.parsed);
            break;
        case Step::http2:
            break;  // not a request; see serve_by_coroutine
    }
    connection.client->end_request();
    connection.idle = true;
    const flow::Exchange& exchange = connection.client->exchange();
    const bool go_on = exchange.keep_alive && connection.stream.is_open();
    const bool has_more = exchange.body_pending || read.step == Step::refuse;
    if (!go_on && (has_more || may_send_more(connection))) co_await linger(connection);
    co_return go_on;
}

// Finishes the request if a hit was sent at once and completely. True: it was.
bool finish_if_sent(Connection& connection, const RequestRead& read) {
    if (read.step != Step::answered || connection.client->has_rest()) return false;
    flow::finish_request(*connection.client);
    connection.idle = true;
    return true;
}

net::Task<void> linger_and_close(Connection& connection) {
    const CloseOnReturn closing(connection);
    co_await linger(connection);
}

// Serves with a coroutine until no bytes of the client are left to answer.
net::Task<void> serve_by_coroutine(Connection& connection, RequestRead read) {
    CloseOnReturn closing(connection);
    while (read.step != Step::http2) {
        bool go_on = false;
        if (finish_if_sent(connection, read)) {
            go_on = connection.client->exchange().keep_alive;
            if (!go_on && may_send_more(connection)) co_await linger(connection);
        } else {
            go_on = co_await take_step(connection, read);
        }
        if (!go_on) co_return;
        if (connection.in.empty()) break;
        read = read_request(connection);
    }
    closing.dismiss();
    if (read.step == Step::http2) {
        http2::serve(connection);
    } else {
        wait_for_request(connection);
    }
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
            if (read.step == Step::http2) return http2::serve(connection);
            const net::Executor executor = connection.services().executor();
            net::start_detached(executor, serve_by_coroutine(connection, read),
                                "answering a client");
            return;
        }
        if (connection.client->exchange().keep_alive) continue;
        if (!may_send_more(connection)) return;
        closing.dismiss();
        net::start_detached(connection.services().executor(), linger_and_close(connection),
                            "ending a connection");
        return;
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
