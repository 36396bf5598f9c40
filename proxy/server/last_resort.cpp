#include "server/last_resort.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace larder::server {
namespace {

// Without the logger: a thread that hangs may hold its lock, and a full pipe must not block this
// one.
void tell() {
    constexpr std::string_view text =
        "larder: stopping took too long; the process ends now, with work still running\n";
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1) return;
    const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
    static_cast<void>(ignored);
}

}  // namespace

LastResort::~LastResort() {
    {
        const std::scoped_lock lock(mutex_);
        needless_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void LastResort::end_process_at(SteadyTime at) {
    {
        const std::scoped_lock lock(mutex_);
        at_ = std::min(at, at_.value_or(at));
    }
    changed_.notify_one();
    if (!thread_.joinable()) thread_ = std::thread([this] { watch(); });
}

void LastResort::watch() {
    std::unique_lock lock(mutex_);
    while (!needless_ && steady_now() < *at_) changed_.wait_until(lock, *at_);
    if (needless_) return;
    tell();
    std::_Exit(0);
}

}  // namespace larder::server
