#pragma once
#include <algorithm>

#include "base/clock.hpp"

namespace larder::redis {

/// How long one request may still wait for Redis in all (redis.timeout). Only the time spent in a
/// Wait is charged: time in which the request waits for the origin, or for another's fetch, is not
/// Redis's.
class RedisBudget {
public:
    /// One wait for Redis. It is charged when the object ends. One thread; a budget has one wait at
    /// a time.
    class Wait {
    public:
        Wait(RedisBudget& budget, Milliseconds all)
            : budget_(budget),
              began_(steady_now()),
              deadline_(began_ + std::max(all - budget.used_, SteadyClock::duration(0))) {}
        ~Wait() { budget_.used_ += steady_now() - began_; }
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;

        [[nodiscard]] SteadyTime began() const { return began_; }
        [[nodiscard]] SteadyTime deadline() const { return deadline_; }
        /// Nothing is left: the request must not wait any more.
        [[nodiscard]] bool spent() const { return deadline_ <= began_; }

    private:
        RedisBudget& budget_;
        SteadyTime began_;
        SteadyTime deadline_;
    };

private:
    SteadyClock::duration used_{0};
};

}  // namespace larder::redis
