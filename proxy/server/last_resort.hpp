#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.hpp"

namespace larder::server {

/// Ends the process at a given time, whatever still runs: a look-up of a name that takes a minute,
/// or a thread that hangs, cannot keep it. Normally the process has ended before. The exit status
/// is 0, as of every drain: what is cut off had its drain_timeout.
class LastResort {
public:
    LastResort() = default;
    ~LastResort();
    LastResort(const LastResort&) = delete;
    LastResort& operator=(const LastResort&) = delete;

    /// At `at`, or when an earlier call said, if that is sooner. One thread.
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
