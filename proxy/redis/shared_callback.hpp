#pragma once
#include <functional>
#include <mutex>
#include <utility>

namespace larder::redis {

/// A function that one part of the process offers to all others. Any thread. Once `set(nullptr)`
/// has returned, the function is not running and will not run again.
class SharedCallback {
public:
    /// The function must return soon, and must not use this object.
    void set(std::function<void()> function) {
        const std::lock_guard lock(mutex_);
        function_ = std::move(function);
    }
    void operator()() const {
        const std::lock_guard lock(mutex_);
        if (function_) function_();
    }

private:
    mutable std::mutex mutex_;
    std::function<void()> function_;
};

}  // namespace larder::redis
