#pragma once
#include <string>

#include "cache/outcome.hpp"
#include "flow/services.hpp"
#include "origin/exchange.hpp"

/// The result of an exchange with an origin, for the client and for the metrics.
namespace larder::flow {

/// The response to the client when the origin failed.
struct FailureAnswer {
    int status;
    cache::Detail detail;
    std::string message;
};
FailureAnswer failure_answer(const origin::Exchange& exchange);

/// Counts the connects that failed before the exchange had its connection.
void record_failed_connects(Services& services, const Config& config,
                            const origin::Exchange& exchange);
/// Counts the failure, also for the ejection of the server.
void record_origin_failure(Services& services, const Config& config,
                           const origin::Exchange& exchange);
void record_origin_success(Services& services, const Config& config,
                           const origin::Exchange& exchange);

}  // namespace larder::flow
