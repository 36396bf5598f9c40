#include "wire/http1/read_request.hpp"

#include "flow/answer_request.hpp"
#include "http/target_uri.hpp"
#include "wire/connection_list.hpp"

namespace larder::wire::http1 {
namespace {

http::HeadLimits head_limits(const settings::Limits& limits) {
    return {limits.header_bytes, limits.header_count, limits.uri_bytes};
}

// Adds to a parsed head what is known of the connection.
void accept_head(Connection& connection, std::size_t head_bytes) {
    Client& client = *connection.client;
    flow::Exchange& exchange = client.exchange();
    connection.in.consume(head_bytes);
    exchange.bytes_in = head_bytes;
    exchange.body_pending = exchange.request.framing != http::Framing::none;
    if (connection.peer_name.empty()) connection.peer_name = connection.peer.to_string();
    exchange.request.peer = connection.peer_name;
    exchange.request.peer_trusted = client.config->trusted_proxies.contains(connection.peer);
    exchange.request.peer_tls = connection.stream.is_tls();
    http::set_target_uri(exchange.request);
}

}  // namespace

ReadResult read_some(Connection& connection) {
    const net::Buffer::Room room = connection.in.room(4096);
    if (room.size == 0) return ReadResult::closed;
    const net::IoResult got = connection.stream.try_read(room.at, room.size);
    switch (got.kind) {
        case net::IoResult::Kind::done:
            connection.in.append_done(got.bytes);
            return ReadResult::data;
        case net::IoResult::Kind::would_block:
            return ReadResult::nothing;
        default:
            return ReadResult::closed;
    }
}

Client& begin_request(Connection& connection) {
    flow::Services& services = connection.services();
    if (!connection.client) {
        connection.client = connection.list.http1_clients.take(services);
        connection.client->attach(connection);
        connection.client->peer = connection.peer;
    }
    Client& client = *connection.client;
    if (client.config != services.config) client.config = services.config;
    client.begin_request();
    return client;
}

RequestRead read_request(Connection& connection) {
    connection.services().follow_reload();  // applies from this request on
    Client& client = begin_request(connection);
    flow::Exchange& exchange = client.exchange();
    RequestRead read;
    read.parsed =
        http::parse_request_head(connection.in.view(), head_limits(client.settings().limits),
                                 exchange.storage, exchange.request);
    if (read.parsed.status == http::HeadStatus::need_more) return read;
    exchange.began = steady_now();
    connection.idle = false;
    if (read.parsed.status != http::HeadStatus::complete) {
        read.step = Step::refuse;
        return read;
    }
    accept_head(connection, read.parsed.consumed);
    read.step = flow::answer_at_once(client) ? Step::answered : Step::answer;
    return read;
}

}  // namespace larder::wire::http1
