#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace larder::redis {

/// The marks (RedisKeys::mark) that this instance has left in a server's data since it hears of all
/// purges: data that holds one of them is no older than the instance's history. Any thread.
class HistoryMarks {
public:
    [[nodiscard]] std::vector<std::string> names() const {
        const std::lock_guard lock(mutex_);
        return names_;
    }
    /// To be noted before marks are written.
    [[nodiscard]] std::uint64_t version() const {
        const std::lock_guard lock(mutex_);
        return version_;
    }
    /// The marks are written. They count unless news was missed since `version` was noted.
    void set(std::vector<std::string> names, std::uint64_t version) {
        const std::lock_guard lock(mutex_);
        if (version == version_) names_ = std::move(names);
    }
    /// A predecessor's mark, whose history came along.
    void adopt(std::string name) {
        const std::lock_guard lock(mutex_);
        names_.push_back(std::move(name));
    }
    /// There may be purges that this instance has not heard of: the marks prove nothing any more.
    void news_missed() {
        const std::lock_guard lock(mutex_);
        names_.clear();
        ++version_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> names_;
    std::uint64_t version_ = 0;
};

}  // namespace larder::redis
