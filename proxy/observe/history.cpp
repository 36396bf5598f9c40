#include "observe/history.hpp"

#include <algorithm>
#include <utility>

namespace larder::observe {
namespace {

void add_to(Traffic& sum, const Traffic& more) {
    sum.requests += more.requests;
    sum.asked += more.asked;
    sum.served += more.served;
    sum.errors += more.errors;
    sum.saved_nanoseconds += more.saved_nanoseconds;
    sum.purges += more.purges;
}

Traffic growth_between(const Traffic& before, const Traffic& now) {
    return {now.requests - before.requests,
            now.asked - before.asked,
            now.served - before.served,
            now.errors - before.errors,
            now.saved_nanoseconds - before.saved_nanoseconds,
            now.purges - before.purges};
}

bool was_served(cache::XCache word) {
    return word == cache::XCache::hit || word == cache::XCache::updating ||
           word == cache::XCache::stale;
}

}  // namespace

Traffic traffic_of(const Snapshot& snapshot) {
    Traffic sum;
    for (const PathTotals& path : snapshot.paths) {
        sum.saved_nanoseconds += path.saved_nanoseconds;
        for (const auto& [labels, totals] : path.series) {
            const std::uint64_t requests = totals.duration.count();
            sum.requests += requests;
            if (labels.second != cache::XCache::bypass) sum.asked += requests;
            if (was_served(labels.second)) sum.served += requests;
            for (const auto& [status, number] : totals.statuses)
                if (status >= 500) sum.errors += number;
        }
    }
    for (const DurationTotals& purges : snapshot.purges) sum.purges += purges.count();
    return sum;
}

void Series::add(std::chrono::seconds since_start, const Traffic& growth) {
    const std::int64_t number = since_start / step_;
    const auto count = static_cast<std::int64_t>(steps_max_);
    // After a pause that is longer than all that is kept, nothing of it counts any more.
    if (number - first_ >= 2 * count) {
        steps_.clear();
        first_ = number - count + 1;
    }
    while (first_ + static_cast<std::int64_t>(steps_.size()) <= number) steps_.emplace_back();
    if (steps_.size() > steps_max_) {
        const std::size_t extra = steps_.size() - steps_max_;
        steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(extra));
        first_ += static_cast<std::int64_t>(extra);
    }
    add_to(steps_.back(), growth);
}

void History::note(std::chrono::seconds since_start, const Traffic& totals) {
    const std::scoped_lock lock(mutex_);
    const Traffic growth = growth_between(std::exchange(before_, totals), totals);
    hour_.add(since_start, growth);
    day_.add(since_start, growth);
}

void History::note_reload(LastReload reload) {
    const std::scoped_lock lock(mutex_);
    reload_ = std::move(reload);
    reload_.happened = true;
}

Series History::hour() const {
    const std::scoped_lock lock(mutex_);
    return hour_;
}

Series History::day() const {
    const std::scoped_lock lock(mutex_);
    return day_;
}

LastReload History::last_reload() const {
    const std::scoped_lock lock(mutex_);
    return reload_;
}

}  // namespace larder::observe
