#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/bulk_rate.hpp"
#include "redis/config.hpp"
#include "redis/fleet.hpp"
#include "redis/journal.hpp"
#include "redis/lock_waiters.hpp"
#include "redis/memory_trust.hpp"
#include "redis/peers.hpp"
#include "redis/reporter.hpp"
#include "redis/shared_callback.hpp"
#include "redis/sweep_queue.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"

namespace larder::redis {

enum class RedisOperation : std::uint8_t { find, lease, fill, purge, wait, count_ };
std::string_view to_word(RedisOperation operation);

/// What all workers of the process know of Redis. It holds the parts, each of which has a subject
/// of its own, and passes on what the subscriber hears. Any thread.
class RedisShared {
public:
    /// `workers`: how many RedisStores there will be. `memory` may be null. Throws
    /// std::runtime_error where the URL or a TLS file cannot be used.
    RedisShared(settings::Redis settings, int workers, store::Generations& generations,
                store::MemoryStore* memory);

    [[nodiscard]] const RedisConfig& config() const { return config_; }
    [[nodiscard]] const settings::Redis& settings() const { return config_.settings; }
    [[nodiscard]] const RedisKeys& keys() const { return config_.keys; }
    [[nodiscard]] store::Generations& generations() { return generations_; }
    /// This process, as other instances and Redis know it.
    [[nodiscard]] const std::string& instance() const { return instance_; }

    /// The servers that hold the data.
    [[nodiscard]] RedisFleet& fleet() { return fleet_; }
    [[nodiscard]] const RedisFleet& fleet() const { return fleet_; }
    /// The server that holds the data, where it is one.
    [[nodiscard]] RedisNode& node() { return fleet_.first(); }
    [[nodiscard]] const RedisNode& node() const { return fleet_.first(); }
    /// The server that holds the key; in a cluster whose map is not known, some node that cannot be
    /// read.
    [[nodiscard]] RedisNode& node_of(std::string_view redis_key) {
        RedisNode* const node = fleet_.node_of(redis_key);
        return node == nullptr ? fleet_.first() : *node;
    }
    /// The purges that Redis has not acknowledged.
    [[nodiscard]] PurgeJournal& journal() { return journal_; }
    [[nodiscard]] const PurgeJournal& journal() const { return journal_; }
    /// The purges of all instances, for a server that has forgotten them.
    [[nodiscard]] PurgeHistory& history() { return history_; }
    [[nodiscard]] const PurgeHistory& history() const { return history_; }
    [[nodiscard]] RedisPeers& peers() { return peers_; }
    [[nodiscard]] RedisReporter& reporter() { return reporter_; }
    [[nodiscard]] const RedisReporter& reporter() const { return reporter_; }
    /// Of reads of large values, and of fills with them.
    [[nodiscard]] BulkRate& bulk_rate() { return bulk_rate_; }
    [[nodiscard]] BulkRate& bulk_fill_rate() { return bulk_fill_rate_; }

    /// Called after each operation, on its worker's thread. To be set before the first store is
    /// made.
    void observe(std::function<void(RedisOperation, SteadyClock::duration)> observer) {
        observer_ = std::move(observer);
    }
    void observed(RedisOperation operation, SteadyTime since) const {
        if (observer_) observer_(operation, steady_now() - since);
    }

    /// Ids that purges have killed: the maintenance removes the keys filled under them.
    void sweep_later(std::string id);
    [[nodiscard]] std::string next_to_sweep() { return sweeps_.next(steady_now()); }
    /// Wakes the maintenance: there is something to replay. A sweep need not hurry.
    void wake_maintenance() const { maintenance_waker_(); }
    /// What `wake_maintenance` does.
    [[nodiscard]] SharedCallback& maintenance_waker() { return maintenance_waker_; }

    /// Somebody was sent to a wrong node of the cluster, or found none.
    void map_is_old() const { map_waker_(); }
    /// What `map_is_old` does.
    [[nodiscard]] SharedCallback& map_waker() { return map_waker_; }
    /// The workers' contexts, in their order.
    void add_context(boost::asio::io_context& context) {
        const std::lock_guard lock(contexts_mutex_);
        contexts_.push_back(&context);
    }
    [[nodiscard]] std::vector<boost::asio::io_context*> contexts() const {
        const std::lock_guard lock(contexts_mutex_);
        return contexts_;
    }

    /// The requests that wait for the fetches of other instances.
    [[nodiscard]] LockWaiters& lock_waiters() { return lock_waiters_; }

    /// Whether the stream of purges (redis.purge_stream) has been done up to now, so that what
    /// Redis holds may be read.
    [[nodiscard]] bool stream_is_done() {
        return settings().purge_stream.empty() ||
               stream_done_epoch_.load(std::memory_order_acquire) ==
                   node_of(keys().entry(settings().purge_stream)).epochs().cleared();
    }
    /// All that stood in the stream of that server when it was met is done.
    void stream_done(std::uint64_t epoch) {
        stream_done_epoch_.store(epoch, std::memory_order_release);
    }

    // ---- what the subscriber hears (heard.cpp)

    /// What came on the news channel.
    void heard_news(std::string_view message);
    /// Redis says that this key changed.
    void invalidated(std::string_view redis_key);
    /// That node says that everything changed.
    void all_invalidated(RedisNode& node);
    /// Tells the other instances that this one ends: they need not wait for it. Does not wait.
    void say_goodbye();

private:
    const RedisConfig config_;
    store::Generations& generations_;
    MemoryTrust trust_;
    const std::string instance_;
    std::function<void(RedisOperation, SteadyClock::duration)> observer_;
    SharedCallback maintenance_waker_;
    SharedCallback map_waker_;
    mutable std::mutex contexts_mutex_;
    std::vector<boost::asio::io_context*> contexts_;
    PurgeJournal journal_;
    PurgeHistory history_;
    RedisPeers peers_;
    SweepQueue sweeps_;
    RedisReporter reporter_{config_};
    BulkRate bulk_rate_;
    BulkRate bulk_fill_rate_;
    LockWaiters lock_waiters_;
    std::atomic<std::uint64_t> stream_done_epoch_{0};
    RedisFleet fleet_;
};

}  // namespace larder::redis
