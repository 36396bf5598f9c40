#pragma once
#include <chrono>

namespace larder {

/// Wall time, for HTTP dates and ages. Pure code gets it as an argument and never asks a clock.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Steady time, for deadlines.
using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;

inline WallTime wall_now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
}
inline SteadyTime steady_now() { return SteadyClock::now(); }

}  // namespace larder
