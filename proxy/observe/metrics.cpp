#include "observe/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <sstream>

#include "observe/exposition.hpp"
#include "observe/process_metrics.hpp"

namespace larder::observe {

Metrics::Metrics(std::string version) : version_(std::move(version)) {}
Metrics::~Metrics() = default;

WorkerMetrics& Metrics::add_worker() {
    const std::scoped_lock lock(mutex_);
    return *workers_.emplace_back(std::make_unique<WorkerMetrics>());
}

void Metrics::set_gauges(std::function<Gauges()> gauges) {
    const std::scoped_lock lock(mutex_);
    gauges_ = std::move(gauges);
}

Snapshot Metrics::snapshot() const {
    Snapshot result;
    result.version = version_;
    result.uptime = std::chrono::duration_cast<Seconds>(steady_now() - started_at_);
    result.reload_successful = reload_successful_.load(std::memory_order_relaxed);
    // The names come first: whatever a worker counts under a newer number is in the next snapshot.
    for (std::string& name : paths_.names()) result.paths.emplace_back().path = std::move(name);
    for (std::string& name : servers_.names())
        result.servers.emplace_back().server = std::move(name);

    std::function<Gauges()> gauges;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& worker : workers_) worker->add_to(result);
        gauges = gauges_;
    }
    if (gauges) result.gauges = gauges();
    return result;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
    std::vector<prometheus::MetricFamily> families = to_families(snapshot());
    append_process_families(read_process_figures(), families);
    return families;
}

std::string Metrics::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, Collect());
    return std::move(out).str();
}

}  // namespace larder::observe
