#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flow/forward_heads.hpp"
#include "flow/services.hpp"
#include "origin/exchange.hpp"

namespace larder::flow {

/// A request to the origin that no client waits for, to compare its answer with what is stored. The
/// references outlive the call.
struct AsideRequest {
    const Config& config;
    const route::CompiledRoute* route;  ///< that takes it; null: none
    const route::Captures& captures;
    const http::RequestHead& request;
    const Sender& sender;
};

/// Asks the origin as a fetch would, without conditions. Stores nothing and counts as no client's
/// request. The head of the final response is in the exchange. On the worker's thread.
[[nodiscard]] net::Task<void> ask_aside(Services& services, const AsideRequest& aside,
                                        origin::Exchange& exchange);

/// The origin's whole answer.
struct AsideAnswer {
    std::string failure;  ///< why there is no answer; empty: there is one
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool body_too_large = false;  ///< above `body_bytes_max`: `body` is a part
};

[[nodiscard]] net::Task<void> fetch_aside(Services& services, const AsideRequest& aside,
                                          std::size_t body_bytes_max, AsideAnswer& answer);

}  // namespace larder::flow
