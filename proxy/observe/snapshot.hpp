#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "observe/histogram.hpp"
#include "observe/labels.hpp"

/// All figures at one moment, as plain data: what the workers counted, added up, and what the other
/// modules say of themselves. The exposition and /stats are functions of it.
namespace larder::observe {

/// Requests of one method class that ended with one X-Cache word.
struct SeriesTotals {
    DurationTotals duration;                ///< its count is the number of requests
    std::map<int, std::uint64_t> statuses;  ///< requests by status; see RequestRecord::status

    void add(const SeriesTotals& more);
};

struct PathTotals {
    std::string path;  ///< the label: a route's path template, or `other`
    std::map<std::pair<std::size_t, cache::XCache>, SeriesTotals>
        series;  ///< by method class and word, only those seen
    std::array<std::uint64_t, detail_count> not_stored{};
    std::array<std::uint64_t, detail_count> fills_discarded{};
    std::array<std::uint64_t, static_cast<std::size_t>(ShadowResult::count_)> shadow{};
    std::array<std::uint64_t, static_cast<std::size_t>(AuditResult::count_)> audit{};
    AgeTotals wrong_age;  ///< of the audited hits that were different
    std::uint64_t refresh_ahead = 0;
    std::uint64_t saved_nanoseconds = 0;
    AgeTotals age;

    /// All methods and words, or all methods of one word.
    [[nodiscard]] SeriesTotals total() const;
    [[nodiscard]] SeriesTotals total(cache::XCache word) const;
};

struct ServerTotals {
    std::string server;
    DurationTotals duration;
    std::array<std::uint64_t, static_cast<std::size_t>(OriginFailure::count_)> failures{};
};

/// One address of an origin server.
struct OriginAddress {
    std::string address;    ///< with its port
    bool up = true;         ///< as the health checks say
    bool reachable = true;  ///< the last attempt to connect succeeded
    int connections = 0;    ///< open
    int requests = 0;       ///< under way
};

/// Whether an origin server is in use, as its module says at the moment of asking.
struct OriginState {
    std::string server;
    bool up = true;  ///< at one of its addresses, at least
    std::vector<OriginAddress> addresses{};
};

/// Breaker as the metric shows it: 0 closed, 1 probing, 2 open.
enum class BreakerState : std::uint8_t { closed, probing, open };

/// One Redis server that larder uses.
struct RedisNodeState {
    std::string address;  ///< empty: not known yet
    bool up = false;
    BreakerState breaker = BreakerState::closed;
};

/// Something that failed with Redis, or that Redis refused.
struct RedisTrouble {
    std::string concerns;  ///< "store", "purge", ...
    std::string kind;      ///< as the reason in larder_redis_errors_total
    std::string text;      ///< what Redis or the system said
    std::string command;
    std::string remedy;
    double seconds_ago = 0;  ///< since it was seen last
    double for_seconds = 0;  ///< since it began
};

/// Figures that only the other modules know. They are asked for at each snapshot.
struct Gauges {
    std::uint64_t memory_bytes = 0;
    std::uint64_t memory_entries = 0;
    bool memory_serves = false;          ///< it is on, and with Redis: Redis tells of all changes
    std::uint64_t memory_evictions = 0;  ///< since the start, never going down
    bool redis_configured = false;
    bool redis_up = false;
    BreakerState redis_breaker = BreakerState::closed;
    std::array<std::uint64_t, static_cast<std::size_t>(RedisFailure::count_)> redis_failures{};
    std::vector<RedisNodeState> redis_nodes{};       ///< the server, or the masters of a cluster
    std::vector<RedisTrouble> redis_troubles{};      ///< at present
    std::vector<RedisTrouble> redis_last_refusal{};  ///< over or not; none or one
    std::uint64_t purges_pending = 0;
    std::uint64_t stream_malformed = 0;  ///< entries of redis.purge_stream that were no purges
    std::uint64_t client_connections = 0;
    std::uint64_t internal_errors =
        0;  ///< exceptions that ended a connection, a fetch or the like, since the start
    std::vector<OriginState> origins{};
};

struct Snapshot {
    std::string version;
    Seconds uptime{0};
    bool reload_successful = true;
    std::vector<PathTotals> paths;      ///< by PathId, so the first is `other`
    std::vector<ServerTotals> servers;  ///< by ServerId, so the first is `other`
    std::array<DurationTotals, static_cast<std::size_t>(RedisOperation::count_)> redis_operations{};
    std::array<DurationTotals, static_cast<std::size_t>(PurgeSource::count_)> purges{};
    std::uint64_t coalesced = 0;
    std::uint64_t compressed_bytes_saved = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    Gauges gauges;
};

}  // namespace larder::observe
