#include "redis/peers.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds silence_max =
    3500ms;  // three of the messages that come every second, and a little
constexpr std::size_t peers_max = 10'000;

}  // namespace

bool RedisPeers::heard(std::string_view peer, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    const auto known = heard_at_.find(std::string(peer));
    if (known != heard_at_.end()) {
        known->second = now;
        return false;
    }
    if (heard_at_.size() < peers_max) heard_at_.emplace(peer, now);
    return true;
}

void RedisPeers::left(std::string_view peer) {
    const std::lock_guard lock(mutex_);
    heard_at_.erase(std::string(peer));
}

// After a pause in the news, every sender gets its time again, since it could not be heard.
void RedisPeers::news_flows(SteadyTime now) {
    const std::lock_guard lock(mutex_);
    const bool paused = now - flowed_at_ > 1s;
    flowed_at_ = now;
    if (paused) {
        for (auto& [peer, heard_at] : heard_at_) heard_at = now;
        return;
    }
    std::erase_if(heard_at_, [now](const auto& peer) { return now - peer.second > silence_max; });
}

std::vector<std::string> RedisPeers::alive() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    names.reserve(heard_at_.size());
    for (const auto& [peer, heard_at] : heard_at_) names.push_back(peer);
    return names;
}

}  // namespace larder::redis
