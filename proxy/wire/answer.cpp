#include "wire/answer.hpp"

#include <utility>

#include "flow/answer_request.hpp"
#include "flow/send_response.hpp"
#include "http/target_uri.hpp"

namespace larder::wire {
namespace {

using cache::Detail;

constexpr Milliseconds linger_step{1000};
constexpr Milliseconds linger_max{60'000};
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

}  // namespace

http::HeadLimits head_limits(const settings::Limits& limits) {
    return {limits.header_bytes, limits.header_count, limits.uri_bytes};
}

void complete_head(Connection& connection, flow::Client& client, std::size_t head_bytes) {
    flow::Exchange& exchange = client.exchange();
    exchange.bytes_in = head_bytes;
    exchange.body_pending = exchange.request.framing != http::Framing::none;
    if (connection.peer_name.empty()) connection.peer_name = connection.peer.to_string();
    exchange.request.peer = connection.peer_name;
    exchange.request.peer_trusted = client.config->trusted_proxies.contains(connection.peer);
    exchange.request.peer_tls = connection.stream.is_tls();
    http::set_target_uri(exchange.request);
}

net::Task<void> answer(flow::Client& client) {
    const http::RequestHead& request = client.request();
    if (request.framing == http::Framing::length &&
        request.content_length > client.settings().limits.body_bytes)
        return flow::answer_error(client, 413, Detail::limit,
                                  "the request's body is larger than limits.body_bytes",
                                  flow::KeepAlive::no);
    return flow::answer_request(client);
}

net::Task<void> refuse(flow::Client& client, http::HeadResult parsed) {
    const Refusal refusal = refusal_of(parsed.status);
    client.exchange().request.fields = {};
    client.exchange().request.keep_alive = false;
    client.exchange().outcome = cache::Outcome();
    return flow::answer_error(client, refusal.status, refusal.detail, parsed.why,
                              flow::KeepAlive::no);
}

net::Task<void> linger(Connection& connection) {
    net::Stream& stream = connection.stream;
    if (!stream.is_open()) co_return;
    connection.idle = false;  // a drain lets it end
    stream.shutdown_write();
    stream.clear_timeout();
    const SteadyTime give_up = steady_now() + linger_max;
    stream.expire_at(steady_now() + linger_step);
    std::uint64_t left = stream.bytes_unacknowledged();
    std::size_t drained = 0;
    while (drained < linger_bytes_max) {
        connection.in.consume(connection.in.size());
        const net::Buffer::Room room = connection.in.room(4096);
        const net::IoResult got = co_await stream.read_some(room.at, room.size);
        drained += got.bytes;
        if (got.kind == net::IoResult::Kind::done) continue;
        // A client that takes what is left gets more time for it.
        const std::uint64_t before = std::exchange(left, stream.bytes_unacknowledged());
        const bool goes_on = stream.timed_out() && left > 0 && left < before;
        if (!goes_on || steady_now() >= give_up) break;
        stream.clear_timeout();
        stream.expire_at(steady_now() + linger_step);
    }
}

}  // namespace larder::wire
