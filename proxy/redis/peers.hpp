#pragma once
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace larder::redis {

/// The other instances that share this Redis, as their news tells. Any thread.
///
/// An instance that is silent although news arrives is gone, and all its purges have been heard.
/// One that was alive when the news ceased may have purged since, so a server that has forgotten
/// purges is read only when it is there again too.
class RedisPeers {
public:
    /// True where nothing was known of it.
    bool heard(std::string_view peer, SteadyTime now);
    void left(std::string_view peer);
    /// News arrives up to now, so an instance that was silent for long is gone.
    void news_flows(SteadyTime now);
    /// Those that were alive when news last arrived.
    [[nodiscard]] std::vector<std::string> alive() const;

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, SteadyTime> heard_at_;
    SteadyTime flowed_at_{};
};

}  // namespace larder::redis
