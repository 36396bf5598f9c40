#include "redis/subscriber_state.hpp"

#include <utility>

namespace larder::redis {

void SubscriberState::connected(std::int64_t id, std::string server) {
    const std::lock_guard lock(mutex_);
    connected_id_ = id;
    connected_server_ = std::move(server);
}

std::optional<std::int64_t> SubscriberState::settle() {
    const std::lock_guard lock(mutex_);
    const bool here = !connected_server_.empty() && connected_server_ == epochs_.server();
    const std::int64_t id = here ? connected_id_ : 0;
    if (id_.exchange(id, std::memory_order_acq_rel) == id) return std::nullopt;
    if (id == 0) {
        heard_until(SteadyTime{});
        trusted_until(SteadyTime{});
    }
    return id;
}

bool SubscriberState::hears_another_server() const {
    const std::lock_guard lock(mutex_);
    return !connected_server_.empty() && connected_server_ != epochs_.server();
}

}  // namespace larder::redis
