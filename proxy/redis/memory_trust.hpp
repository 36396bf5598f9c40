#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"
#include "store/memory_store.hpp"

namespace larder::redis {

/// Until when the memory tier may serve what was read from Redis: as long as every node that may
/// hold a key proves that it tells of all changes. With one node missing the tier is silent as a
/// whole, since an entry may depend on tags of any node. Any thread.
class MemoryTrust {
public:
    static constexpr int lanes_max = 64;

    /// `memory` may be null.
    explicit MemoryTrust(store::MemoryStore* memory) : memory_(memory) {}

    [[nodiscard]] bool has_memory() const { return memory_ != nullptr; }
    [[nodiscard]] store::MemoryStore* memory() const { return memory_; }

    /// Which lanes must be proved, a bit for each; 0: nobody knows which.
    void count_on(std::uint64_t lanes) {
        const std::lock_guard lock(mutex_);
        lanes_ = lanes;
        if (lanes == 0 && memory_ != nullptr) memory_->distrust();
    }
    /// That lane's node tells of all changes up to now, which is good until then.
    void proved(int lane, SteadyTime until) {
        const std::lock_guard lock(mutex_);
        until_[static_cast<std::size_t>(lane)] = until;
        SteadyTime least = lanes_ == 0 ? SteadyTime{} : SteadyTime::max();
        for (std::size_t i = 0; i < until_.size(); ++i)
            if ((lanes_ >> i & 1) != 0) least = std::min(least, until_[i]);
        least_ = least;
        if (memory_ != nullptr && least > SteadyTime{}) memory_->trust_until(least);
    }
    /// That lane's node does not tell of changes any more.
    void lost(int lane) {
        const std::lock_guard lock(mutex_);
        until_[static_cast<std::size_t>(lane)] = {};
        least_ = {};
        if (memory_ != nullptr) memory_->distrust();
    }
    [[nodiscard]] SteadyTime until() const {
        const std::lock_guard lock(mutex_);
        return least_;
    }
    /// What is in memory may be outdated.
    void forget() const {
        if (memory_ != nullptr) memory_->forget();
    }

private:
    store::MemoryStore* const memory_;
    mutable std::mutex mutex_;
    std::uint64_t lanes_ = 1;
    std::array<SteadyTime, lanes_max> until_{};
    SteadyTime least_{};
};

}  // namespace larder::redis
