#include "store/planned_purges.hpp"

#include <algorithm>

namespace larder::store {
using namespace std::chrono_literals;
namespace {

// A fetch that began before the purge may end long after it. Fetches that take longer are caught by
// the purge itself, if it is made.
constexpr Milliseconds remembered_after = 60s;
constexpr Milliseconds drop_every = 10s;
// What is kept stays small. Beyond, one time counts for all names: too much ends early, not too
// little.
constexpr std::size_t names_max = 100'000;
constexpr std::uint32_t every_name = UINT32_MAX;

}  // namespace

void PlannedPurges::note(std::span<const std::uint32_t> names, SteadyTime due, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (now >= drop_next_ || due_.size() + names.size() > names_max) drop_old(now);
    if (due_.size() + names.size() > names_max) {
        SteadyTime latest = due;
        for (const auto& [name, until] : due_) latest = std::max(latest, until);
        due_ = {{every_name, latest}};
    }
    for (const std::uint32_t name : names) {
        SteadyTime& until = due_[name];
        until = std::max(until, due);
    }
    size_.store(due_.size(), std::memory_order_release);
}

std::optional<SteadyTime> PlannedPurges::end_of(std::span<const std::uint32_t> names,
                                                SteadyTime requested_at) const {
    if (size_.load(std::memory_order_acquire) == 0) return std::nullopt;
    const std::lock_guard lock(mutex_);
    std::optional<SteadyTime> end;
    const auto look_at = [&](std::uint32_t name) {
        const auto found = due_.find(name);
        if (found == due_.end() || found->second <= requested_at) return;
        end = std::max(end.value_or(found->second), found->second);
    };
    look_at(every_name);
    for (const std::uint32_t name : names) look_at(name);
    return end;
}

void PlannedPurges::drop_old(SteadyTime now) {
    std::erase_if(due_, [&](const auto& one) { return one.second + remembered_after <= now; });
    drop_next_ = now + drop_every;
}

}  // namespace larder::store
