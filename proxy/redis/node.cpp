#include "redis/node.hpp"

#include <algorithm>

#include "redis/link.hpp"

namespace larder::redis {

RedisNode::RedisNode(int links, const PurgeJournal& journal, store::MemoryStore* memory,
                     const SharedCallback& wake_maintenance)
    : journal_(journal), memory_(memory), wake_maintenance_(wake_maintenance), links_(links) {}

bool RedisNode::up() const {
    const auto links = links_.all();
    return !links_.some_missing() &&
           std::all_of(links.begin(), links.end(),
                       [this](const auto& link) { return may_read(*link); });
}

RedisNode::Breaker RedisNode::breaker() const {
    bool probing = false;
    for (const auto& link : links_.all()) {
        if (link->usable() && may_read(*link)) return Breaker::closed;
        probing |= link->usable() || link->connected();
    }
    return probing ? Breaker::probing : Breaker::open;
}

bool RedisNode::may_read(const RedisLink& link) const {
    return link.usable() && journal_.empty() && epochs_.may_read(link.epoch());
}

std::shared_ptr<RedisLink> RedisNode::usable_link(
    const std::shared_ptr<RedisLink>& preferred) const {
    const auto fits = [this](const std::shared_ptr<RedisLink>& link) {
        return link && link->usable() && link->epoch() == epochs_.current();
    };
    if (fits(preferred)) return preferred;
    const auto links = links_.all();
    const auto found = std::find_if(links.begin(), links.end(), fits);
    return found == links.end() ? nullptr : *found;
}

std::uint64_t RedisNode::register_server(const std::string& name, const RedisLink* link) {
    const auto [epoch, is_new] = epochs_.register_server(name);
    if (!is_new) return epoch;
    forget_everything_id();
    settle_subscriber();
    // The old server must not be read. A purge that it acknowledges must not count as done.
    for (const auto& other : links_.all_but(link)) other->end_unless(epoch);
    if (hears_another_server()) subscriber_ender_();
    return epoch;
}

void RedisNode::end_epoch(std::uint64_t epoch) {
    if (!epochs_.end(epoch)) return;
    forget_everything_id();
    settle_subscriber();
    for (const auto& link : links_.all()) link->end_unless(0);
}

void RedisNode::link_troubled(const RedisLink* which) const {
    for (const auto& link : links_.all_but(which)) link->suspect();
}

void RedisNode::tell_presence_soon() {
    presence_due_.store(true, std::memory_order_release);
    wake_maintenance_();
}

}  // namespace larder::redis
