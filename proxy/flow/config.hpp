#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "net/network.hpp"
#include "observe/metrics.hpp"
#include "origin/pool.hpp"
#include "route/compiled_route.hpp"
#include "route/route_table.hpp"
#include "settings/settings.hpp"

namespace larder::flow {

/// One loaded configuration and everything derived from it. Immutable: a reload makes a new one,
/// and requests under way keep the old one.
struct Config {
    settings::Settings settings;
    route::RouteTable routes;
    /// By CompiledRoute::origin: that of `origin`, then those of `origins` in their order.
    std::vector<std::shared_ptr<origin::Upstream>> upstreams;
    net::Networks trusted_proxies;
    net::Networks purge_from;
    std::vector<observe::PathId> path_ids;                   ///< by route index
    std::vector<std::vector<observe::ServerId>> server_ids;  ///< by upstream, then by server

    /// Where requests under this route go; null: those that no route takes.
    [[nodiscard]] const std::shared_ptr<origin::Upstream>& upstream_of(
        const route::CompiledRoute* route) const {
        return upstreams[route ? route->origin : 0];
    }
};

/// The configuration in force. A reload replaces it for all workers at one instant. Otherwise one
/// worker could purge by the new rules while another one still reads by the old rules, and what it
/// reads might lack the tags of the new rules. Safe from every thread.
class ConfigInForce {
public:
    [[nodiscard]] bool is(const Config& known) const {
        return newest_.load(std::memory_order_acquire) == &known;
    }
    [[nodiscard]] std::shared_ptr<const Config> get() const {
        const std::scoped_lock lock(mutex_);
        return config_;
    }
    void set(std::shared_ptr<const Config> config) {
        const std::scoped_lock lock(mutex_);
        config_.swap(config);
        newest_.store(config_.get(), std::memory_order_release);
    }

private:
    std::atomic<const Config*> newest_{nullptr};
    mutable std::mutex mutex_;
    std::shared_ptr<const Config> config_;
};

}  // namespace larder::flow
