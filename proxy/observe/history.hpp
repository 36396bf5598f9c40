#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "observe/snapshot.hpp"

/// What happened during the last hour and day, kept in the process and bounded.
namespace larder::observe {

/// Figures that only grow, or how much they grew.
struct Traffic {
    std::uint64_t requests = 0;
    std::uint64_t asked = 0;   ///< of the cache: all but what passed it
    std::uint64_t served = 0;  ///< by the cache, without waiting for the origin
    std::uint64_t errors = 0;  ///< answered with a status of 500 or more
    std::uint64_t saved_nanoseconds = 0;
    std::uint64_t purges = 0;

    bool operator==(const Traffic&) const = default;
};

/// The sums over all routes.
[[nodiscard]] Traffic traffic_of(const Snapshot& snapshot);

/// Growth in steps of one length. The last step may not be over yet.
class Series {
public:
    Series(std::chrono::seconds step, std::size_t steps_max) : step_(step), steps_max_(steps_max) {}

    /// `growth` since the call before, at `since_start`, which never decreases.
    void add(std::chrono::seconds since_start, const Traffic& growth);

    [[nodiscard]] std::chrono::seconds step() const { return step_; }
    /// When the first step of steps() began.
    [[nodiscard]] std::chrono::seconds begin() const { return step_ * first_; }
    [[nodiscard]] const std::vector<Traffic>& steps() const { return steps_; }

private:
    std::chrono::seconds step_;
    std::size_t steps_max_;
    std::int64_t first_ = 0;  ///< the number of the first step kept
    std::vector<Traffic> steps_;
};

/// How the configuration was last loaded again.
struct LastReload {
    bool happened = false;
    bool successful = true;
    std::int64_t unix_seconds = 0;
    std::string errors;  ///< a line each; empty where it was accepted
};

/// Safe from every thread.
class History {
public:
    static constexpr std::chrono::seconds sample_interval{10};

    /// Call it every sample_interval with the totals so far.
    void note(std::chrono::seconds since_start, const Traffic& totals);
    void note_reload(LastReload reload);

    [[nodiscard]] Series hour() const;
    [[nodiscard]] Series day() const;
    [[nodiscard]] LastReload last_reload() const;

private:
    mutable std::mutex mutex_;  // guards what follows
    Traffic before_;
    Series hour_{std::chrono::seconds(10), 360};
    Series day_{std::chrono::seconds(300), 288};
    LastReload reload_;
};

}  // namespace larder::observe
