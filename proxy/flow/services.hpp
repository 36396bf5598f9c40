#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "flow/config.hpp"
#include "flow/late_write.hpp"
#include "flow/miss_forecast.hpp"
#include "flow/peer_counts.hpp"
#include "flow/refresh_claims.hpp"
#include "flow/uncacheable_keys.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "origin/pool.hpp"
#include "redis/store.hpp"
#include "store/compressor.hpp"
#include "store/fetch_board.hpp"
#include "store/memory_store.hpp"

namespace larder::observe {
class FetchFindings;
class KeyRanks;
class PurgeRecords;
class RequestEvents;
}  // namespace larder::observe

namespace larder::flow {

/// What the path of a request uses. Each worker thread owns one. The members that are references
/// are shared by several threads and are thread-safe.
struct Services {
    Services(boost::asio::io_context& context_in, store::Generations& generations_in,
             store::MemoryStore& memory_in, store::FetchBoard& board_in,
             observe::WorkerMetrics& metrics_in, std::shared_ptr<const Config> config_in)
        : context(context_in),
          wheel(context_in),
          origin(context_in, wheel, buffers),
          generations(generations_in),
          memory(memory_in),
          board(board_in),
          metrics(metrics_in),
          access_log(config_in->settings.log),
          config(std::move(config_in)),
          late_writes(*this) {}

    boost::asio::io_context& context;
    net::DeadlineWheel wheel;
    net::BufferPool buffers;
    origin::Pool origin;
    RefreshClaims refreshes;
    UncacheableKeys uncacheable;
    MissForecast forecast;
    store::Generations& generations;
    store::MemoryStore& memory;
    store::FetchBoard& board;
    std::unique_ptr<redis::RedisStore> redis;  ///< null: redis is off
    observe::WorkerMetrics& metrics;
    observe::AccessLog access_log;
    std::shared_ptr<const Config> config;  ///< for new requests, after follow_reload
    const ConfigInForce* in_force = nullptr;
    std::function<void(std::shared_ptr<const Config>)>
        adopt;                    ///< makes another configuration this worker's `config`
    PurgeRelay* relay = nullptr;  ///< null: purges concern only this process and Redis
    bool draining = false;
    std::atomic<std::size_t>* connections = nullptr;  ///< open client connections of all workers
    PeerCounts* peers = nullptr;                      ///< the same by client address
    store::Compressor* compressor = nullptr;
    std::atomic<int>* audits = nullptr;       ///< under way at all workers
    std::uint64_t audit_chance = 0;           ///< the last number that chose which hits are audited
    observe::PurgeRecords* purges = nullptr;  ///< of all workers; null: none is kept
    observe::RequestEvents* events = nullptr;    ///< of all workers; null: nobody can listen
    observe::FetchFindings* findings = nullptr;  ///< of all workers; null: none are kept
    std::shared_ptr<observe::KeyRanks> ranks;    ///< of this worker; null: not counted

    LateWrites late_writes;

    /// Call it before a request's head is read and before a write purges, so that no worker uses
    /// old rules after another one has used the new rules.
    void follow_reload() {
        if (in_force->is(*config)) return;
        adopt(in_force->get());
    }

    [[nodiscard]] net::Executor executor() { return context.get_executor(); }
};

}  // namespace larder::flow
