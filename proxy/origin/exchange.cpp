#include "flow/origin_exchange.hpp"

#include <array>

namespace larder::flow {
namespace {

using origin::OriginError;

constexpr std::size_t response_head_bytes_max = 64 * 1024;
constexpr std::size_t response_fields_max = 512;

using net::piece;

// Parses what has come; false: more is needed.
bool parse_what_is_there(bool to_head, bool keep, OriginExchange& exchange) {
    constexpr http::HeadLimits limits{response_head_bytes_max, response_fields_max, 0};
    net::Buffer& in = exchange.connection->in;
    http::HeadResult result =
        http::parse_response_head(in.view(), limits, to_head, exchange.storage, exchange.head);
    if (result.status == http::HeadStatus::need_more) return false;
    const std::size_t consumed = result.consumed;
    if (result.status == http::HeadStatus::complete && keep) {
        const std::string& tidied = exchange.storage.tidied;
        exchange.head_bytes.assign(tidied.empty() ? in.view().substr(0, consumed) : tidied);
        result = http::parse_response_head(exchange.head_bytes, limits, to_head, exchange.storage,
                                           exchange.head);
    }
    if (result.status == http::HeadStatus::complete) {
        in.consume(consumed);
    } else {
        exchange.error = OriginError::malformed;
        exchange.why = result.why;
    }
    return true;
}

// The metrics' number of the server.
observe::ServerId server_id(const Config& config, const origin::Server& server) {
    const auto& servers = config.upstream->servers();
    std::size_t i = 0;
    while (i + 1 < servers.size() && servers[i].get() != &server) ++i;
    return config.server_ids[i];
}

observe::OriginFailure failure_of(OriginError error, const OriginExchange& exchange) {
    switch (error) {
        case OriginError::connect_timeout:
            return observe::OriginFailure::connect_timeout;
        case OriginError::tls:
        case OriginError::untrusted:
            return observe::OriginFailure::tls;
        case OriginError::malformed:
            return observe::OriginFailure::malformed;
        case OriginError::unresolved:
            return observe::OriginFailure::resolve;
        // Once the final head is there, it is the body that stopped coming.
        case OriginError::timeout:
            return exchange.head.status >= 200 ? observe::OriginFailure::idle_timeout
                                               : observe::OriginFailure::response_timeout;
        case OriginError::lost:
        case OriginError::truncated:
            return observe::OriginFailure::closed;
        default:
            return observe::OriginFailure::connect;
    }
}

}  // namespace

net::Task<void> send_request(Services& services, std::shared_ptr<const Config> config,
                             std::string_view head, std::string_view body, bool fresh,
                             OriginExchange& exchange) {
    using origin::Pool;
    const Pool::Kept kept = fresh                 ? Pool::Kept::none
                            : exchange.repeatable ? Pool::Kept::believed
                                                  : Pool::Kept::proved;
    origin::Acquired acquired = co_await services.origin.acquire(config->upstream, kept);
    exchange.error = acquired.error;
    exchange.connection = std::move(acquired.connection);
    for (const origin::FailedConnect& failed : acquired.failures)
        services.metrics.record_origin_failure(server_id(*config, *failed.server),
                                               failure_of(failed.error, exchange));
    if (exchange.failed()) co_return;
    exchange.under_way = origin::Counted(exchange.connection->address->requests);
    exchange.requested_at = wall_now();
    exchange.sent_at = steady_now();
    std::array<iovec, 2> pieces{piece(head), piece(body)};
    const bool sent = co_await exchange.connection->stream.write_all(
        pieces, config->settings.origin.idle_timeout);
    // An origin that answers without reading on has closed its side only: its answer may be there.
    // Reading tells.
    static_cast<void>(sent);
}

net::Task<void> read_response_head(const settings::Settings& settings, bool to_head,
                                   bool deadline_set, bool keep, OriginExchange& exchange) {
    net::Stream& stream = exchange.connection->stream;
    net::Buffer& in = exchange.connection->in;
    const SteadyTime deadline = steady_now() + settings.origin.response_timeout;
    if (!deadline_set) stream.expire_at(deadline);
    while (true) {
        if (!in.empty()) {
            const bool parsed = parse_what_is_there(to_head, keep, exchange);
            if (parsed) break;
        }
        if (stream.known_empty()) {
            const bool ready = co_await stream.readable();
            if (!ready) {
                exchange.error = stream.timed_out() ? OriginError::timeout : OriginError::lost;
                co_return;
            }
        }
        const net::Buffer::Room room = in.room(4096);
        const net::IoResult got = stream.try_read(room.at, room.size);
        if (got.kind == net::IoResult::Kind::would_block) continue;
        if (got.kind != net::IoResult::Kind::done) {
            exchange.error = stream.timed_out() ? OriginError::timeout
                             : in.empty()       ? OriginError::lost
                                                : OriginError::malformed;
            exchange.why = "the response head was cut off";
            co_return;
        }
        in.append_done(got.bytes);
    }
    exchange.received_at = wall_now();
}

bool may_retry(const OriginExchange& exchange) {
    return exchange.error == OriginError::lost && exchange.connection &&
           exchange.connection->reused && exchange.repeatable;
}

void finish_exchange(Services& services, OriginExchange& exchange, const origin::BodyReader& body) {
    if (!exchange.connection) return;
    exchange.under_way.end();
    origin::ConnectionPtr connection = std::move(exchange.connection);
    if (body.ended() && exchange.head.keep_alive && connection->in.empty())
        services.origin.release(std::move(connection));
}

FailureAnswer failure_answer(const OriginExchange& exchange) {
    switch (exchange.error) {
        case OriginError::unavailable:
            return {503, cache::Detail::unavailable, "no origin server is available"};
        case OriginError::timeout:
            return {504, cache::Detail::origin_timeout, "the origin did not answer in time"};
        case OriginError::connect_timeout:
            return {504, cache::Detail::origin_timeout, "connecting to the origin took too long"};
        case OriginError::malformed:
            return {502, cache::Detail::origin_error,
                    std::string("the origin's response is malformed: ") + exchange.why};
        case OriginError::tls:
            return {502, cache::Detail::origin_error, "the TLS handshake with the origin failed"};
        case OriginError::untrusted:
            return {502, cache::Detail::origin_error, "the origin's certificate is not trusted"};
        case OriginError::unresolved:
            return {502, cache::Detail::origin_error,
                    "the origin's name has no address yet: looking it up failed or takes too long, "
                    "and is tried again"};
        case OriginError::lost:
            return {502, cache::Detail::origin_error,
                    "the origin closed the connection without an answer"};
        default:
            return {502, cache::Detail::origin_error, "the origin cannot be reached"};
    }
}

void record_origin_failure(Services& services, const Config& config,
                           const OriginExchange& exchange) {
    if (!exchange.connection) return;
    origin::Address& address = *exchange.connection->address;
    services.metrics.record_origin_failure(server_id(config, address.server),
                                           failure_of(exchange.error, exchange));
    exchange.connection->upstream->note_failure(address, steady_now());
}

void record_origin_success(Services& services, const Config& config,
                           const OriginExchange& exchange) {
    origin::Address& address = *exchange.connection->address;
    services.metrics.record_origin_request(server_id(config, address.server),
                                           steady_now() - exchange.sent_at);
    exchange.connection->upstream->note_success(address);
}

}  // namespace larder::flow
