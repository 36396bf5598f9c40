#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.hpp"

namespace larder::server {

/// Ends the process at a given time, even if a name look-up takes a minute or a thread hangs.
/// Normally the process has ended before. The exit status is 0, as after every drain, because
/// drain_timeout has passed.
class LastResort {
public:
    LastResort() = default;
    ~LastResort();
    LastResort(const LastResort&) = delete;
    LastResort& operator=(const LastResort&) = delete;

    /// Ends the process at `at`, or at the time of an earlier call if that is sooner. One thread.
    void end_process_at(SteadyTime at);

private:
    void watch();

    std::mutex mutex_;  // guards the two below
    std::condition_variable changed_;
    std::optional<SteadyTime> at_;
    bool needless_ = false;
    std::thread thread_;
};

}  // namespace larder::server
