#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/clock.hpp"

namespace larder::store {

/// The names that will be purged again soon: after `settle`, and after a write whose outcome is
/// unknown. What is fetched until then may be older than the write, so it must not live longer than
/// until that purge, even if the process that planned the purge dies before. Names are numbers of
/// Generations. Any thread.
class PlannedPurges {
public:
    /// Each of these names will be purged at `due`, again or for the first time.
    void note(std::span<const std::uint32_t> names, SteadyTime due, SteadyTime now);

    /// When a response that was requested at `requested_at` and depends on these names must end.
    /// Nothing: no purge is planned that concerns it.
    [[nodiscard]] std::optional<SteadyTime> end_of(std::span<const std::uint32_t> names,
                                                   SteadyTime requested_at) const;

private:
    void drop_old(SteadyTime now);

    mutable std::mutex mutex_;
    std::unordered_map<std::uint32_t, SteadyTime> due_;
    std::atomic<std::size_t> size_{0};
    SteadyTime drop_next_{};
};

}  // namespace larder::store
