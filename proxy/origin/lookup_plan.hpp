#pragma once
#include "base/clock.hpp"

namespace larder::origin {

/// When a name is looked up: every `interval`, sooner after a failure or on demand, one lookup at a
/// time and at most one a second. Without I/O.
class LookupPlan {
public:
    static constexpr Milliseconds pause_min{1000};
    static constexpr Milliseconds after_failure{5000};

    explicit LookupPlan(Milliseconds interval) : interval_(interval) {}

    [[nodiscard]] bool is_due(SteadyTime now) const { return !under_way_ && now >= due_; }

    void begin(SteadyTime now);
    void end(SteadyTime now, bool answered);

    /// Makes a lookup due, at once or when the pause is over: something failed that an out-of-date
    /// answer would explain.
    void demand();

    [[nodiscard]] bool under_way() const { return under_way_; }

private:
    Milliseconds interval_;
    bool under_way_ = false;
    bool demanded_ = false;  // since the last lookup began
    SteadyTime due_{};       // the first one at once
    SteadyTime began_{};
};

}  // namespace larder::origin
