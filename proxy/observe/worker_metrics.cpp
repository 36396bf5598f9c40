#include "observe/worker_metrics.hpp"

#include <algorithm>

// Everything is reached by index. Most of the 4096 paths, 15 method classes and seven words are
// never used; each costs only a null pointer until its first use. Readers load the pointers with
// acquire, so they see complete objects behind them.
namespace larder::observe {
namespace {

std::uint64_t nanoseconds_of(std::chrono::nanoseconds duration) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
}

/// The object behind a pointer only this thread sets; made at its first use.
template <class T>
T& made(std::atomic<T*>& pointer) {
    T* known = pointer.load(std::memory_order_relaxed);
    if (known == nullptr) [[unlikely]] {
        known = new T;
        pointer.store(known, std::memory_order_release);
    }
    return *known;
}

/// Statuses seen and how often, in the order of their first appearance. Five hundred are possible
/// and three are usual: a chain of short blocks finds the usual ones at once and bounds the rest.
class StatusTable {
public:
    ~StatusTable() { delete next_.load(std::memory_order_relaxed); }

    void add(std::uint16_t status) {
        for (Slot& slot : slots_) {
            const std::uint16_t known = slot.status.load(std::memory_order_relaxed);
            if (known == status) return slot.requests.add();
            if (known == 0) {
                slot.requests.add();
                slot.status.store(status, std::memory_order_release);
                return;
            }
        }
        made(next_).add(status);
    }

    void add_to(std::map<int, std::uint64_t>& totals) const {
        for (const Slot& slot : slots_) {
            const std::uint16_t status = slot.status.load(std::memory_order_acquire);
            if (status == 0) return;
            totals[status] += slot.requests.get();
        }
        if (const StatusTable* next = next_.load(std::memory_order_acquire)) next->add_to(totals);
    }

private:
    struct Slot {
        std::atomic<std::uint16_t> status{0};
        Count requests;
    };
    std::array<Slot, 4> slots_;
    std::atomic<StatusTable*> next_{nullptr};
};

/// Three digits, so that the table stays bounded whatever a caller says.
std::uint16_t bounded_status(int status) {
    return static_cast<std::uint16_t>(std::clamp(status, 100, 999));
}

}  // namespace

struct WorkerMetrics::Series {
    DurationHistogram duration;
    StatusTable statuses;
};

struct WorkerMetrics::PathCells {
    ~PathCells() {
        for (auto& one : series) delete one.load(std::memory_order_relaxed);
    }

    std::array<std::atomic<Series*>, method_class_count * x_cache_count> series{};
    std::array<Count, detail_count> not_stored;
    std::array<Count, detail_count> fills_discarded;
    std::array<Count, static_cast<std::size_t>(ShadowResult::count_)> shadow;
    std::array<Count, static_cast<std::size_t>(AuditResult::count_)> audit;
    AgeHistogram wrong_age;
    Count refresh_ahead;
    Count saved_nanoseconds;
    AgeHistogram age;
};

struct WorkerMetrics::ServerCells {
    DurationHistogram duration;
    std::array<Count, static_cast<std::size_t>(OriginFailure::count_)> failures;
};

WorkerMetrics::WorkerMetrics() = default;

WorkerMetrics::~WorkerMetrics() {
    for (auto& path : paths_) delete path.load(std::memory_order_relaxed);
    for (auto& server : servers_) delete server.load(std::memory_order_relaxed);
}

WorkerMetrics::PathCells& WorkerMetrics::cells_of(PathId path) {
    return made(paths_[path < paths_.size() ? path : NameRegistry::other]);
}

WorkerMetrics::ServerCells& WorkerMetrics::cells_of_server(ServerId server) {
    return made(servers_[server < servers_.size() ? server : NameRegistry::other]);
}

void WorkerMetrics::record(const RequestRecord& request) {
    PathCells& path = cells_of(request.path);
    const std::size_t index =
        method_class(request.method) * x_cache_count + static_cast<std::size_t>(request.x_cache);
    Series& series = made(path.series[index]);
    series.duration.add(nanoseconds_of(request.duration));
    series.statuses.add(bounded_status(request.status));

    if (request.age >= 0) path.age.add(static_cast<std::uint64_t>(request.age));
    if (request.saved.count() > 0) path.saved_nanoseconds.add(nanoseconds_of(request.saved));
    if (request.not_stored != cache::Detail::none)
        path.not_stored[static_cast<std::size_t>(request.not_stored)].add();
    if (request.coalesced) coalesced_.add();
    bytes_in_.add(request.bytes_in);
    bytes_out_.add(request.bytes_out);
}

void WorkerMetrics::record_fill_discarded(PathId path, cache::Detail reason) {
    cells_of(path).fills_discarded[static_cast<std::size_t>(reason)].add();
}

void WorkerMetrics::record_shadow(PathId path, ShadowResult result) {
    cells_of(path).shadow[static_cast<std::size_t>(result)].add();
}

void WorkerMetrics::record_refresh_ahead(PathId path) { cells_of(path).refresh_ahead.add(); }

void WorkerMetrics::record_audit(PathId path, AuditResult result, std::uint64_t age) {
    PathCells& cells = cells_of(path);
    cells.audit[static_cast<std::size_t>(result)].add();
    if (result == AuditResult::different) cells.wrong_age.add(age);
}

void WorkerMetrics::record_purge(PurgeSource source, std::chrono::nanoseconds duration) {
    purges_[static_cast<std::size_t>(source)].add(nanoseconds_of(duration));
}

void WorkerMetrics::record_origin_request(ServerId server, std::chrono::nanoseconds duration) {
    cells_of_server(server).duration.add(nanoseconds_of(duration));
}

void WorkerMetrics::record_origin_failure(ServerId server, OriginFailure failure) {
    cells_of_server(server).failures[static_cast<std::size_t>(failure)].add();
}

void WorkerMetrics::record_redis_operation(RedisOperation operation,
                                           std::chrono::nanoseconds duration) {
    redis_operations_[static_cast<std::size_t>(operation)].add(nanoseconds_of(duration));
}

namespace {

template <std::size_t N>
void add_counts(const std::array<Count, N>& counts, std::array<std::uint64_t, N>& totals) {
    for (std::size_t i = 0; i < N; ++i) totals[i] += counts[i].get();
}

}  // namespace

void WorkerMetrics::add_to(Snapshot& totals) const {
    for (std::size_t id = 0; id < totals.paths.size() && id < paths_.size(); ++id) {
        const PathCells* cells = paths_[id].load(std::memory_order_acquire);
        if (cells == nullptr) continue;
        PathTotals& path = totals.paths[id];
        for (std::size_t i = 0; i < cells->series.size(); ++i) {
            const Series* series = cells->series[i].load(std::memory_order_acquire);
            if (series == nullptr) continue;
            SeriesTotals& sum =
                path.series[{i / x_cache_count, static_cast<cache::XCache>(i % x_cache_count)}];
            series->duration.add_to(sum.duration);
            series->statuses.add_to(sum.statuses);
        }
        add_counts(cells->not_stored, path.not_stored);
        add_counts(cells->fills_discarded, path.fills_discarded);
        add_counts(cells->shadow, path.shadow);
        add_counts(cells->audit, path.audit);
        cells->wrong_age.add_to(path.wrong_age);
        path.refresh_ahead += cells->refresh_ahead.get();
        path.saved_nanoseconds += cells->saved_nanoseconds.get();
        cells->age.add_to(path.age);
    }
    for (std::size_t id = 0; id < totals.servers.size() && id < servers_.size(); ++id) {
        const ServerCells* cells = servers_[id].load(std::memory_order_acquire);
        if (cells == nullptr) continue;
        cells->duration.add_to(totals.servers[id].duration);
        add_counts(cells->failures, totals.servers[id].failures);
    }
    for (std::size_t i = 0; i < redis_operations_.size(); ++i)
        redis_operations_[i].add_to(totals.redis_operations[i]);
    for (std::size_t i = 0; i < purges_.size(); ++i) purges_[i].add_to(totals.purges[i]);
    totals.coalesced += coalesced_.get();
    totals.compressed_bytes_saved += compressed_bytes_saved_.get();
    totals.bytes_in += bytes_in_.get();
    totals.bytes_out += bytes_out_.get();
}

}  // namespace larder::observe
