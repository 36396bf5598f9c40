#include "redis/bulk_rate.hpp"

#include <algorithm>

namespace larder::redis {
namespace {

// Shorter measurements say more about the machine's mood than about the link.
constexpr SteadyClock::duration shortest = std::chrono::milliseconds(2);

}  // namespace

bool BulkRate::may_ask(std::size_t bytes, Milliseconds budget, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (bytes_a_second_ == 0) return true;
    const double expected = static_cast<double>(bytes) / bytes_a_second_;
    if (expected <= std::chrono::duration<double>(budget).count()) return true;
    if (now - measured_at_ < tried_again_after) return false;
    measured_at_ = now;  // the others wait for what this one finds out
    return true;
}

void BulkRate::measured(std::size_t bytes, SteadyClock::duration time, SteadyTime now) {
    if (time < shortest) return;
    const std::lock_guard lock(mutex_);
    const double seen =
        std::max(1.0, static_cast<double>(bytes) / std::chrono::duration<double>(time).count());
    // One slow value does not make a fast link slow: half of what was known counts too.
    bytes_a_second_ = bytes_a_second_ > seen ? (bytes_a_second_ + seen) / 2 : seen;
    measured_at_ = now;
}

}  // namespace larder::redis
