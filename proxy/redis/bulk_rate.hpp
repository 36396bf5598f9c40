#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"

namespace larder::redis {

/// How fast large values come over the link to Redis, as measured, and what that means for one that
/// is asked for. What was measured long ago is tried again, by one read. Any thread; time is an
/// argument.
class BulkRate {
public:
    static constexpr Milliseconds tried_again_after{30'000};

    /// Whether that many bytes may be asked for, where `budget` is all that they may take.
    [[nodiscard]] bool may_ask(std::size_t bytes, Milliseconds budget, SteadyTime now);
    /// That many bytes came in that time.
    void measured(std::size_t bytes, SteadyClock::duration time, SteadyTime now);

private:
    std::mutex mutex_;           // guards all below
    double bytes_a_second_ = 0;  // 0: not known
    SteadyTime measured_at_{};
};

}  // namespace larder::redis
