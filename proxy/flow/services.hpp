#pragma once
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "flow/exchange.hpp"
#include "flow/late_write.hpp"
#include "flow/peer_counts.hpp"
#include "net/network.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "origin/pool.hpp"
#include "redis/store.hpp"
#include "route/compiled_route.hpp"
#include "route/route_table.hpp"
#include "settings/settings.hpp"
#include "store/fetch_board.hpp"
#include "store/memory_store.hpp"

namespace larder::flow {

/// One loaded configuration with all that is derived from it. Immutable; a reload makes another and
/// requests under way keep theirs.
struct Config {
    settings::Settings settings;
    route::RouteTable routes;
    std::shared_ptr<origin::Upstream> upstream;
    net::Networks trusted_proxies;
    net::Networks purge_from;
    std::vector<observe::PathId> path_ids;      ///< by route index
    std::vector<observe::ServerId> server_ids;  ///< by server index
};

/// The configuration in force. A reload replaces it for all workers at one instant: were one worker
/// to purge by new rules while another one still reads by the old, what it reads might not carry
/// the tags of the new. Safe from every thread.
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

/// Keys whose last answer could not be stored, for a short while: their requests go straight
/// through instead of queueing behind a fetch that helps nobody. It takes two such answers in a
/// row, so that one exception costs no hit afterwards. One worker's, fixed in size; a collision
/// only forgets.
class UncacheableKeys {
public:
    void remember(std::uint64_t hash, std::uint64_t sequence, SteadyTime now) {
        const bool again = slot(hash).hash == hash && now < slot(hash).until;
        slot(hash) = {hash, sequence, now + lasts, again};
    }
    void forget(std::uint64_t hash) {
        if (slot(hash).hash == hash) slot(hash) = {};
    }
    /// The purge sequence it was remembered at, where it is remembered.
    [[nodiscard]] const std::uint64_t* find(std::uint64_t hash, SteadyTime now) const {
        const Slot& found = slots_[hash % slots_.size()];
        return found.hash == hash && found.again && now < found.until ? &found.sequence : nullptr;
    }

private:
    struct Slot {
        std::uint64_t hash = 0;
        std::uint64_t sequence = 0;
        SteadyTime until{};
        bool again = false;  ///< it was there when it was remembered
    };
    static constexpr std::chrono::seconds lasts{2};
    Slot& slot(std::uint64_t hash) { return slots_[hash % slots_.size()]; }
    std::vector<Slot> slots_ = std::vector<Slot>(4096);
};

/// What a request's path uses: one for each worker thread, which owns it. What several threads
/// share is named by reference and safe by itself.
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
    UncacheableKeys uncacheable;
    store::Generations& generations;
    store::MemoryStore& memory;
    store::FetchBoard& board;
    std::unique_ptr<redis::RedisStore> redis;  ///< null: redis is off
    observe::WorkerMetrics& metrics;
    observe::AccessLog access_log;
    std::shared_ptr<const Config> config;  ///< of new requests, after follow_reload
    const ConfigInForce* in_force = nullptr;
    std::function<void(std::shared_ptr<const Config>)>
        adopt;                    ///< makes another one this worker's `config`
    PurgeRelay* relay = nullptr;  ///< null: purges concern nobody but this process and Redis
    bool draining = false;
    std::atomic<std::size_t>* connections = nullptr;  ///< open client connections of all workers
    PeerCounts* peers = nullptr;  ///< the same by client address, where that is limited

    LateWrites late_writes;

    /// Before a request's head is looked at, and before a write purges: whatever another worker
    /// does by the new rules, this one knows them.
    void follow_reload() {
        if (in_force->is(*config)) return;
        adopt(in_force->get());
    }

    [[nodiscard]] net::Executor executor() { return context.get_executor(); }
};

}  // namespace larder::flow
