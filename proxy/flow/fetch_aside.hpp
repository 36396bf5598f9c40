#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flow/services.hpp"

namespace larder::flow {

/// What the origin answers to a request that no client waits for.
struct AsideAnswer {
    std::string failure;  ///< why there is no answer; empty: there is one
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool body_too_large = false;  ///< above `body_bytes_max`: `body` is a part
};

/// Asks the origin for what a GET would get, to compare it with what is stored. Stores nothing and
/// counts as no client's request. The request outlives the call. On the worker's thread.
[[nodiscard]] net::Task<void> fetch_aside(Services& services, std::shared_ptr<const Config> config,
                                          const http::RequestHead& request,
                                          std::size_t body_bytes_max, AsideAnswer& answer);

}  // namespace larder::flow
