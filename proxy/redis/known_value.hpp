#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>

namespace larder::redis {

/// A number that stands in Redis, as it was read last. Any thread.
class KnownValue {
public:
    /// 0: unknown.
    [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_acquire); }
    /// To be noted before the value is asked for.
    [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    /// Takes the answer, unless a change was heard of since `version` was noted.
    void set(std::uint64_t value, std::uint64_t version) {
        const std::lock_guard lock(mutex_);
        if (version == version_.load(std::memory_order_acquire))
            value_.store(value, std::memory_order_release);
    }
    /// It has changed, or may have: to be asked for again.
    void forget() {
        const std::lock_guard lock(mutex_);
        version_.fetch_add(1, std::memory_order_acq_rel);
        value_.store(0, std::memory_order_release);
    }

private:
    std::mutex mutex_;  ///< for changes
    std::atomic<std::uint64_t> value_{0};
    std::atomic<std::uint64_t> version_{0};
};

}  // namespace larder::redis
