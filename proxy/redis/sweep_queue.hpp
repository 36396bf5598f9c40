#pragma once
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace larder::redis {

/// The ids that purges have killed. The sweep removes the keys that were filled under them. Any
/// thread.
class SweepQueue {
public:
    explicit SweepQueue(std::size_t ids_max = 10'000) : ids_max_(ids_max) {}

    /// False: the queue is full, and the id is dropped. Its keys expire.
    bool add(std::string id) {
        const std::lock_guard lock(mutex_);
        if (ids_.size() >= ids_max_) return false;
        ids_.push_back(std::move(id));
        return true;
    }
    /// Takes one out; empty: there is none.
    [[nodiscard]] std::string next() {
        const std::lock_guard lock(mutex_);
        if (ids_.empty()) return {};
        std::string id = std::move(ids_.back());
        ids_.pop_back();
        return id;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> ids_;
    const std::size_t ids_max_;
};

}  // namespace larder::redis
