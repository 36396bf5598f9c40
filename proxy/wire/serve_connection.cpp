#include "wire/serve_connection.hpp"

#include "net/detached.hpp"
#include "wire/connection_list.hpp"
#include "wire/http1/serve.hpp"
#include "wire/http2/serve.hpp"
#include "wire/read_preface.hpp"

namespace larder::wire {
namespace {

// limits.connections_per_client.
bool admit(Connection& connection) {
    const flow::Services& services = connection.services();
    const std::size_t most = services.config->settings.limits.connections_per_client;
    if (most == 0 || connection.counted) return true;
    connection.counted = services.peers->add(connection.peer, most);
    return connection.counted;
}

// The PROXY header comes before the TLS handshake, and names the client whose connections are
// counted.
net::Task<bool> enter(Connection& connection, Preface preface) {
    if (preface.proxy_protocol) {
        const BehindProxyHeader behind =
            preface.tls ? BehindProxyHeader::tls : BehindProxyHeader::plain;
        const bool read = co_await read_proxy_header(connection, behind);
        if (!read) co_return false;
    }
    if (preface.tls) {
        if (!admit(connection)) co_return false;
        const bool encrypted = co_await shake_hands(connection);
        co_return encrypted;
    }
    co_return true;
}

net::Task<void> enter_and_serve(Connection& connection, Preface preface) {
    CloseOnReturn closing(connection);
    const bool entered = co_await enter(connection, preface);
    if (!entered) co_return;
    if (!admit(connection)) {
        co_await http1::turn_away(connection);
        co_return;
    }
    closing.dismiss();
    if (connection.stream.alpn() == "h2") {
        http2::serve(connection);
    } else {
        http1::serve(connection);
    }
}

}  // namespace

void serve_connection(Connection& connection, Preface preface) {
    const bool enters = preface.tls || preface.proxy_protocol;
    connection.may_be_http2 = preface.http2 && !preface.tls;
    connection.stream.watch_from_the_start();
    if (!enters && admit(connection)) return http1::wait_for_request(connection);
    const net::Executor executor = connection.services().executor();
    net::start_detached(executor, enter_and_serve(connection, preface), "greeting a client");
}

}  // namespace larder::wire
