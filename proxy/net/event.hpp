#pragma once
#include <boost/asio/basic_waitable_timer.hpp>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace larder::net {

/// Something coroutines of one thread wait for. A notification wakes all who wait then; it is not remembered, so look at
/// the condition before waiting.
class Event {
public:
    explicit Event(Executor executor) : timer_(executor, SteadyTime::max()) {}

    void notify() { timer_.cancel(); }

    [[nodiscard]] Task<void> wait() {
        timer_.expires_at(SteadyTime::max());
        const auto [ignored] = co_await timer_.async_wait(as_result);
        static_cast<void>(ignored);
    }

    /// At most until `at`.
    [[nodiscard]] Task<void> wait_until(SteadyTime at) {
        timer_.expires_at(at);
        const auto [ignored] = co_await timer_.async_wait(as_result);
        static_cast<void>(ignored);
    }

    [[nodiscard]] Executor executor() { return timer_.get_executor(); }

private:
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor> timer_;
};

}  // namespace larder::net
