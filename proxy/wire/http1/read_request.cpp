#include "wire/http1/read_request.hpp"

#include "flow/answer_request.hpp"
#include "wire/answer.hpp"
#include "wire/connection_list.hpp"

namespace larder::wire::http1 {
namespace {

// The part of the preface that looks like a head.
constexpr std::string_view preface_head = "PRI * HTTP/2.0\r\n\r\n";

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
        const bool is_http2 =
            connection.may_be_http2 && connection.in.view().starts_with(preface_head);
        read.step = is_http2 ? Step::http2 : Step::refuse;
        return read;
    }
    connection.may_be_http2 = false;
    connection.in.consume(read.parsed.consumed);
    complete_head(connection, client, read.parsed.consumed);
    read.step = flow::answer_at_once(client) ? Step::answered : Step::answer;
    return read;
}

}  // namespace larder::wire::http1
