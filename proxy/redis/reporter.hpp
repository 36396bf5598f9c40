#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/config.hpp"
#include "redis/refusal.hpp"
#include "redis/troubles.hpp"

namespace larder::redis {

/// What the process says of Redis: in the log on a change, in /stats and in the metrics. Any
/// thread.
class RedisReporter {
public:
    /// `config` must outlive the reporter.
    explicit RedisReporter(const RedisConfig& config) : config_(config) {}

    void count(RedisError reason, std::size_t times = 1) {
        errors_[static_cast<std::size_t>(reason)].fetch_add(times, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t errors(RedisError reason) const {
        return errors_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
    }
    /// An entry of redis.purge_stream was no purge.
    void count_malformed() { stream_malformed_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t stream_malformed() const {
        return stream_malformed_.load(std::memory_order_relaxed);
    }
    /// Something of Redis does not work: counted, shown in /stats, and a line in the log where that
    /// is new. `text`: what Redis or the system said. `command` may be empty.
    void failed(RedisWork work, RedisError reason, std::string_view text, std::string_view command);
    /// It works: a line in the log where it did not before.
    void works(RedisWork work) {
        if (troubled(work)) end_trouble(work);
    }
    [[nodiscard]] bool troubled(RedisWork work) const {
        return troubled_[static_cast<std::size_t>(work)].load(std::memory_order_relaxed);
    }
    /// The last failure or refusal, over or not.
    [[nodiscard]] std::optional<RedisTrouble> last_refusal() const;
    /// What does not work at present.
    [[nodiscard]] std::vector<RedisTrouble> troubles() const;

    /// Somebody else holds a key that larder needs: one line in the log for each of the first keys.
    /// `shown`: the key, or what stands for it where it holds secrets.
    void tell_foreign(std::string_view key, std::string_view type, std::string_view shown);

private:
    void end_trouble(RedisWork work);
    void write_line(const RedisTroubles::Line& line) const;
    [[nodiscard]] std::string without_secrets(std::string text) const;

    const RedisConfig& config_;
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(RedisError::count_)> errors_{};
    std::array<std::atomic<bool>, static_cast<std::size_t>(RedisWork::count_)> troubled_{};
    std::atomic<std::uint64_t> stream_malformed_{0};
    mutable std::mutex mutex_;  ///< guards all below
    RedisTroubles troubles_;
    std::vector<std::uint64_t> foreign_told_;  ///< hashes of keys
};

}  // namespace larder::redis
