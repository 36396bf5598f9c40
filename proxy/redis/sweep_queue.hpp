#pragma once
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.hpp"

namespace larder::redis {

/// The ids that purges have killed. The sweep removes the keys that were filled under them, a
/// little later: fills note their keys with a delay (redis/index_notes.hpp). Any thread.
class SweepQueue {
public:
    explicit SweepQueue(std::size_t ids_max = 10'000) : ids_max_(ids_max) {}

    /// False: the queue is full, and the id is dropped. Its keys expire.
    bool add(std::string id, SteadyTime due) {
        const std::lock_guard lock(mutex_);
        if (ids_.size() >= ids_max_) return false;
        ids_.push_back({std::move(id), due});
        return true;
    }
    /// Takes one out that is due; empty: there is none.
    [[nodiscard]] std::string next(SteadyTime now) {
        const std::lock_guard lock(mutex_);
        if (ids_.empty() || ids_.front().due > now) return {};
        std::string id = std::move(ids_.front().id);
        ids_.pop_front();
        return id;
    }

private:
    struct Dead {
        std::string id;
        SteadyTime due;
    };
    std::mutex mutex_;
    std::deque<Dead> ids_;
    const std::size_t ids_max_;
};

}  // namespace larder::redis
