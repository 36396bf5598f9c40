#include "unit/support/system_call_count.hpp"

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>

// These definitions come before those of the C library, to which each call goes on.

namespace {

thread_local larder::test::SystemCalls calls;

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

namespace larder::test {
SystemCalls system_calls() { return calls; }
}  // namespace larder::test

extern "C" {

ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    static const auto go_on = next<decltype(recvmsg)>("recvmsg");
    ++calls.reads;
    return go_on(descriptor, message, flags);
}

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    static const auto go_on = next<decltype(sendmsg)>("sendmsg");
    ++calls.writes;
    return go_on(descriptor, message, flags);
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    static const auto go_on = next<decltype(epoll_wait)>("epoll_wait");
    ++calls.waits;
    return go_on(epoll, events, most, timeout);
}

int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept {
    static const auto go_on = next<int(int, int, int, epoll_event*)>("epoll_ctl");
    ++calls.others;
    return go_on(epoll, operation, descriptor, event);
}

int setsockopt(int descriptor, int level, int name, const void* value, socklen_t size) noexcept {
    static const auto go_on = next<int(int, int, int, const void*, socklen_t)>("setsockopt");
    ++calls.others;
    return go_on(descriptor, level, name, value, size);
}

int timerfd_settime(int descriptor, int flags, const itimerspec* value, itimerspec* old) noexcept {
    static const auto go_on =
        next<int(int, int, const itimerspec*, itimerspec*)>("timerfd_settime");
    ++calls.others;
    return go_on(descriptor, flags, value, old);
}
}
