#pragma once
#include <atomic>

#include "base/clock.hpp"
#include "store/memory_store.hpp"

namespace larder::server {

/// How long each of the two processes answers from its memory tier during a hand-over without
/// Redis. Both send signs of life over the channel. A process that stopped, or is slow, does not
/// hear of the other one's purges in time; but by then its memory tier answers nothing, because too
/// long ago the other one has sent the last sign of life that was heard. Signs of life and purges
/// come in the order in which they were sent.
inline constexpr Milliseconds trusted_after_sign{900};
/// No process counts on the other one's silence earlier, after it has sent a purge or ended the
/// channel.
inline constexpr Milliseconds silent_after{1000};
/// The old process also answers from memory for so long after it has begun to start the new one,
/// which is then busy with its start.
inline constexpr Milliseconds trusted_after_begin{5000};

/// Until when this process may answer from its memory tier. Only without Redis; with Redis, the
/// subscriber decides. Any thread may ask; one thread at a time sets it.
class HandoverTrust {
public:
    explicit HandoverTrust(store::MemoryStore& memory) : memory_(memory) {
        until(SteadyTime::max());
    }

    /// A time that has passed: nothing is answered, and nothing is forgotten.
    void until(SteadyTime time) {
        until_.store(time, std::memory_order_release);
        memory_.trust_until(time);
    }
    [[nodiscard]] bool lasts() const {
        const SteadyTime until = until_.load(std::memory_order_acquire);
        if (memory_.is_retired()) return false;
        return until == SteadyTime::max() || steady_now() < until;
    }

private:
    store::MemoryStore& memory_;
    std::atomic<SteadyTime> until_{SteadyTime::max()};
};

}  // namespace larder::server
