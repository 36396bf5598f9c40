#pragma once
#include <prometheus/collectable.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "observe/name_registry.hpp"
#include "observe/snapshot.hpp"
#include "observe/worker_metrics.hpp"

namespace larder::observe {

/// Owns every thread's figures and puts them together when somebody asks. One for the program's
/// life: a reload keeps it, so no counter ever goes backwards. Safe from every thread.
class Metrics : public prometheus::Collectable {
public:
    explicit Metrics(std::string version);
    ~Metrics() override;

    /// The figures of one more thread, which alone may record into them; they live as long as this
    /// object.
    WorkerMetrics& add_worker();

    /// The number of a route's path template, for RequestRecord. Once for each route at load, not
    /// for each request.
    PathId path(std::string_view path_template) { return paths_.intern(path_template); }
    /// The number of an origin server, named as in the configuration.
    ServerId server(std::string_view name) { return servers_.intern(name); }

    /// `gauges` is called for each snapshot, on the thread that takes the snapshot; it must not
    /// wait for I/O. Set it before the first snapshot, or not at all.
    void set_gauges(std::function<Gauges()> gauges);

    /// How the last load of the configuration ended (larder_config_last_reload_successful).
    void note_reload(bool successful) {
        reload_successful_.store(successful, std::memory_order_relaxed);
    }

    [[nodiscard]] Snapshot snapshot() const;

    /// Every family of larder, and process_*.
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

    /// The same as Prometheus text, version 0.0.4.
    [[nodiscard]] std::string text() const;

private:
    const std::string version_;
    const SteadyTime started_at_ = steady_now();
    NameRegistry paths_{paths_max};
    NameRegistry servers_{servers_max};
    std::atomic<bool> reload_successful_{true};
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::unique_ptr<WorkerMetrics>> workers_;
    std::function<Gauges()> gauges_;
};

}  // namespace larder::observe
