#pragma once
#include <boost/json/object.hpp>
#include <functional>
#include <memory>

#include "admin/backend.hpp"
#include "flow/services.hpp"
#include "route/offline_request.hpp"

namespace larder::admin {

/// A question about a request that the cache may answer: what both tiers hold for it now, and what
/// larder would do.
struct LiveQuestion {
    std::shared_ptr<const flow::Config> config;
    ExplainQuestion asked;
    route::OfflineRequest request;
    bool any_host;  ///< the question names no host: an entry of any host may answer it. Otherwise
                    ///< only an entry of the same host with the other scheme may.
    std::function<void(JsonAnswer)> done;
    redis::RedisBudget budget{};
};

/// Adds the live facts to `out` and calls `done`. On the worker's thread.
[[nodiscard]] net::Task<void> explain_live(flow::Services& services,
                                           std::shared_ptr<LiveQuestion> question,
                                           boost::json::object out);

}  // namespace larder::admin
