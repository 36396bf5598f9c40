#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "cache/outcome.hpp"
#include "http/message.hpp"
#include "observe/histogram.hpp"
#include "observe/labels.hpp"
#include "observe/name_registry.hpp"
#include "observe/snapshot.hpp"

namespace larder::observe {

using PathId = NameRegistry::Id;    ///< from Metrics::path, once for each route at load
using ServerId = NameRegistry::Id;  ///< from Metrics::server

inline constexpr std::size_t paths_max = 4096;   ///< beyond: `other`
inline constexpr std::size_t servers_max = 255;  ///< beyond: `other`

/// One finished request, as the metrics count it.
struct RequestRecord {
    PathId path = NameRegistry::other;
    http::Method method = http::Method::other;
    int status = 0;  ///< as sent; 499 by custom where the client left before anything was sent
    cache::XCache x_cache = cache::XCache::bypass;
    std::chrono::nanoseconds duration{0};  ///< from the request's head to the response's end
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::int64_t age = -1;  ///< the Age sent with a response from the cache, in seconds; negative:
                            ///< not from the cache
    std::chrono::nanoseconds saved{
        0};  ///< how long the fetch of the stored response took, which answered in place of another
    bool coalesced = false;  ///< answered by a fetch that another request began
    cache::Detail not_stored =
        cache::Detail::none;  ///< why the fetched response of a read was not stored
};

/// The figures of one thread: only that thread records, any thread may read. Recording costs some
/// nanoseconds and no locked instruction; the first request of a kind allocates its counters, the
/// same kind never again.
class WorkerMetrics {
public:
    WorkerMetrics();
    ~WorkerMetrics();
    WorkerMetrics(const WorkerMetrics&) = delete;
    WorkerMetrics& operator=(const WorkerMetrics&) = delete;

    void record(const RequestRecord& request);

    /// A fetch that ended well but whose response may no longer be stored (or could not be).
    void record_fill_discarded(PathId path, cache::Detail reason);
    void record_shadow(PathId path, ShadowResult result);
    void record_refresh_ahead(PathId path);
    /// `age`: of the hit, in seconds.
    void record_audit(PathId path, AuditResult result, std::uint64_t age);
    /// A body was sent in a coding that larder made: how much shorter that was.
    void record_compressed(std::uint64_t bytes_saved) { compressed_bytes_saved_.add(bytes_saved); }
    /// `duration` from the order to the acknowledgement of Redis, or to the journal.
    void record_purge(PurgeSource source, std::chrono::nanoseconds duration);

    /// `duration` from the first byte sent to the response's end.
    void record_origin_request(ServerId server, std::chrono::nanoseconds duration);
    void record_origin_failure(ServerId server, OriginFailure failure);
    void record_redis_operation(RedisOperation operation, std::chrono::nanoseconds duration);

    /// Adds what was recorded so far. `totals.paths` and `totals.servers` must hold every number
    /// given out before.
    void add_to(Snapshot& totals) const;

private:
    struct Series;
    struct PathCells;
    struct ServerCells;

    PathCells& cells_of(PathId path);
    ServerCells& cells_of_server(ServerId server);

    // Null until the first use; what a pointer leads to stays until the end.
    std::array<std::atomic<PathCells*>, paths_max + 1> paths_{};
    std::array<std::atomic<ServerCells*>, servers_max + 1> servers_{};
    std::array<DurationHistogram, static_cast<std::size_t>(RedisOperation::count_)>
        redis_operations_;
    std::array<DurationHistogram, static_cast<std::size_t>(PurgeSource::count_)> purges_;
    Count coalesced_;
    Count compressed_bytes_saved_;
    Count bytes_in_;
    Count bytes_out_;
};

}  // namespace larder::observe
