#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "redis/server_epochs.hpp"

namespace larder::redis {

/// Who hears of a node's changes, and up to when all of them have been heard. Any thread.
class SubscriberState {
public:
    /// `epochs` must outlive this object.
    explicit SubscriberState(const ServerEpochs& epochs) : epochs_(epochs) {}

    /// The client id of the subscriber, if it is connected to the current server; 0: none. On
    /// another server the same id may be somebody else's connection.
    [[nodiscard]] std::int64_t id() const { return id_.load(std::memory_order_acquire); }
    /// A subscriber is there (its id on the server of that name), or was lost (0). To be followed
    /// by `settle`.
    void connected(std::int64_t id, std::string server);
    /// To be called when the subscriber or the current server has changed. Gives the new id if it
    /// has changed.
    [[nodiscard]] std::optional<std::int64_t> settle();
    /// The subscriber is connected, but not to the current server: more purges may be heard of
    /// there.
    [[nodiscard]] bool hears_another_server() const;

    /// Up to when everything that Redis had to tell has been heard; the past where nobody listens.
    [[nodiscard]] SteadyTime heard_until() const { return time_in(heard_until_); }
    void heard_until(SteadyTime time) { put(heard_until_, time); }
    /// Until when the memory tier is trusted; the past where it is not.
    [[nodiscard]] SteadyTime trusted_until() const { return time_in(trusted_until_); }
    void trusted_until(SteadyTime time) { put(trusted_until_, time); }

private:
    using Atomic = std::atomic<SteadyClock::rep>;
    [[nodiscard]] static SteadyTime time_in(const Atomic& from) {
        return SteadyTime(SteadyClock::duration(from.load(std::memory_order_acquire)));
    }
    static void put(Atomic& into, SteadyTime time) {
        into.store(time.time_since_epoch().count(), std::memory_order_release);
    }

    const ServerEpochs& epochs_;
    std::atomic<std::int64_t> id_{0};
    Atomic heard_until_{0};
    Atomic trusted_until_{0};
    mutable std::mutex mutex_;  ///< guards both, and each change of `id_`
    std::int64_t connected_id_ = 0;
    std::string connected_server_;
};

}  // namespace larder::redis
