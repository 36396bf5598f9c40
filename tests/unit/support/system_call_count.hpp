#pragma once
#include <cstddef>

namespace larder::test {

/// How many system calls on sockets, epoll and timers this thread has made so far through the C
/// library: those that the way of a request may make.
struct SystemCalls {
    std::size_t reads = 0;
    std::size_t writes = 0;
    std::size_t waits = 0;   ///< epoll_wait
    std::size_t others = 0;  ///< epoll_ctl, setsockopt, ioctl and timerfd_settime
};
SystemCalls system_calls();

}  // namespace larder::test
