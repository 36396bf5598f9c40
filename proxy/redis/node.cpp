#include "redis/node.hpp"

#include <algorithm>

#include "redis/link.hpp"

namespace larder::redis {

RedisNode::RedisNode(int links, const PurgeJournal& journal, MemoryTrust& trust,
                     const SharedCallback& wake_maintenance, NodeKind kind, int lane)
    : journal_(journal),
      trust_(trust),
      wake_maintenance_(wake_maintenance),
      kind_(kind),
      lane_(lane),
      // Epochs of different lanes are different numbers: a lease names the server that gave it.
      epochs_(kind == NodeKind::of_cluster ? static_cast<std::uint64_t>(lane) : 0,
              kind == NodeKind::of_cluster ? MemoryTrust::lanes_max : 1),
      links_(links) {}

bool RedisNode::up() const {
    const auto links = links_.all();
    const bool missing = is_of_cluster() ? links.empty() : links_.some_missing();
    return !missing && std::all_of(links.begin(), links.end(),
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
    return is_fit(link) && (is_of_cluster() || journal_.empty());
}

bool RedisNode::is_fit(const RedisLink& link) const {
    return link.usable() && !is_doubtful() && epochs_.may_read(link.epoch());
}

bool RedisNode::is_current(const RedisLink& link) const {
    return link.usable() && !is_doubtful() && link.epoch() == epochs_.current();
}

std::shared_ptr<RedisLink> RedisNode::usable_link(
    const std::shared_ptr<RedisLink>& preferred) const {
    const auto fits = [this](const std::shared_ptr<RedisLink>& link) {
        return link && is_current(*link);
    };
    if (fits(preferred)) return preferred;
    const auto links = links_.all();
    const auto found = std::find_if(links.begin(), links.end(), fits);
    return found == links.end() ? nullptr : *found;
}

void RedisNode::lead_to(const RedisAddress& address) {
    address_.set_target(address);
    doubted_at_.store(0, std::memory_order_release);
    confirmed_until_.store(0, std::memory_order_release);
    end_epoch(epochs_.current());
    subscriber_ender_();
}

void RedisNode::doubt() {
    if (!is_of_cluster()) return;
    doubted_at_.store(steady_now().time_since_epoch().count(), std::memory_order_release);
    wake_maintenance_();
}

void RedisNode::confirmed(SteadyTime asked_at) {
    SteadyClock::rep doubted = doubted_at_.load(std::memory_order_acquire);
    if (doubted == 0 || asked_at.time_since_epoch().count() <= doubted) return;
    doubted_at_.compare_exchange_strong(doubted, 0, std::memory_order_acq_rel);
    wake_maintenance_();
}

void RedisNode::confirm_until(SteadyTime until) {
    const bool was_doubtful = is_doubtful();
    confirmed_until_.store(until.time_since_epoch().count(), std::memory_order_release);
    extend_trust();
    if (was_doubtful && !is_doubtful()) wake_maintenance_();
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

void RedisNode::link_troubled(const RedisLink* which) {
    doubt();
    for (const auto& link : links_.all_but(which)) link->suspect();
}

void RedisNode::tell_presence_soon() {
    presence_due_.store(true, std::memory_order_release);
    wake_maintenance_();
}

}  // namespace larder::redis
