#include "flow/origin_results.hpp"

namespace larder::flow {
namespace {

using origin::OriginError;

// The server's number in the metrics.
observe::ServerId server_id(const Config& config, const origin::Server& server) {
    for (std::size_t k = 0; k < config.upstreams.size(); ++k) {
        const auto& servers = config.upstreams[k]->servers();
        for (std::size_t i = 0; i < servers.size(); ++i)
            if (servers[i].get() == &server) return config.server_ids[k][i];
    }
    return config.server_ids.front().front();
}

observe::OriginFailure failure_of(OriginError error, const origin::Exchange& exchange) {
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
        // After the final head, the timeout concerns the body.
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

FailureAnswer failure_answer(const origin::Exchange& exchange) {
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
            return {
                502, cache::Detail::origin_error,
                "the origin's name has no address yet: the lookup failed or is slow; larder tries "
                "again"};
        case OriginError::lost:
            return {502, cache::Detail::origin_error,
                    "the origin closed the connection without an answer"};
        default:
            return {502, cache::Detail::origin_error, "the origin cannot be reached"};
    }
}

void record_failed_connects(Services& services, const Config& config,
                            const origin::Exchange& exchange) {
    for (const origin::FailedConnect& failed : exchange.failed_connects)
        services.metrics.record_origin_failure(server_id(config, *failed.server),
                                               failure_of(failed.error, exchange));
}

void record_origin_failure(Services& services, const Config& config,
                           const origin::Exchange& exchange) {
    if (!exchange.connection) return;
    origin::Address& address = *exchange.connection->address;
    services.metrics.record_origin_failure(server_id(config, address.server),
                                           failure_of(exchange.error, exchange));
    exchange.connection->upstream->note_failure(address, steady_now());
}

void record_origin_success(Services& services, const Config& config,
                           const origin::Exchange& exchange) {
    origin::Address& address = *exchange.connection->address;
    services.metrics.record_origin_request(server_id(config, address.server),
                                           steady_now() - exchange.sent_at);
    exchange.connection->upstream->note_success(address);
}

}  // namespace larder::flow
