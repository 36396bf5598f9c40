#include "redis/links.hpp"

#include <algorithm>
#include <utility>

namespace larder::redis {

void RedisLinks::set(int index, Pointer link) {
    const std::lock_guard lock(mutex_);
    links_[static_cast<std::size_t>(index)] = std::move(link);
}

RedisLinks::Pointer RedisLinks::of_worker(int index) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const Pointer& link = links_[(static_cast<std::size_t>(index) + i) % links_.size()];
        if (link) return link;
    }
    return nullptr;
}

std::vector<RedisLinks::Pointer> RedisLinks::all_but(const RedisLink* which) const {
    std::vector<Pointer> others;
    const std::lock_guard lock(mutex_);
    for (const Pointer& link : links_)
        if (link && link.get() != which) others.push_back(link);
    return others;
}

bool RedisLinks::some_missing() const {
    const std::lock_guard lock(mutex_);
    return std::find(links_.begin(), links_.end(), nullptr) != links_.end();
}

std::shared_ptr<RedisBulk> RedisLinks::bulk() const {
    const std::lock_guard lock(mutex_);
    return bulk_;
}

void RedisLinks::set_bulk(std::shared_ptr<RedisBulk> bulk) {
    const std::lock_guard lock(mutex_);
    bulk_ = std::move(bulk);
}

RedisAddress NodeAddress::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

void NodeAddress::set(RedisAddress address) {
    const std::lock_guard lock(mutex_);
    current_ = std::move(address);
}

RedisAddress NodeAddress::target() const {
    const std::lock_guard lock(mutex_);
    return target_;
}

void NodeAddress::set_target(RedisAddress address) {
    const std::lock_guard lock(mutex_);
    target_ = std::move(address);
}

RedisAddress NodeAddress::not_the_master() const {
    const std::lock_guard lock(mutex_);
    return not_the_master_;
}

void NodeAddress::set_not_the_master(RedisAddress address) {
    const std::lock_guard lock(mutex_);
    not_the_master_ = std::move(address);
}

}  // namespace larder::redis
