#include <algorithm>

#include "redis/link.hpp"
#include "redis/node.hpp"

// The memory tier's honesty. An entry in memory is a replica that Redis itself keeps up to date: it
// tells the subscriber of every change to a key that a link has read. So memory may serve as long
// as the subscriber and every link that read are proved alive. Whatever may have been read while
// Redis did not track it is forgotten when tracking starts, or starts again.
namespace larder::redis {
using namespace std::chrono_literals;
namespace {

// Of the promised second, less what timers may be late by.
constexpr Milliseconds trust_for = 900ms;

}  // namespace

void RedisNode::settle_subscriber() {
    const std::optional<std::int64_t> id = subscriber_.settle();
    if (!id) return;
    if (*id == 0) {
        forget_everything_id();
        trust_.lost(lane_);
        return;
    }
    for (const auto& link : links_.all()) link->track(*id);
    tell_presence_soon();  // also, the server's data is to bear our mark from now
                           // on
}

void RedisNode::set_subscriber(std::int64_t id, std::string server) {
    subscriber_.connected(id, std::move(server));
    settle_subscriber();
}

void RedisNode::subscriber_proved(SteadyTime ping_sent) {
    const std::int64_t id = subscriber();
    if (id == 0) return;
    subscriber_.heard_until(ping_sent);
    SteadyTime proved = ping_sent;
    for (const auto& link : links_.all()) {
        if (!link->connected()) continue;
        if (is_doubtful()) return;
        if (link->tracked_by() != id) return;  // trust runs out, unless the link is told in time
        proved = std::min(proved, link->proved_at());
    }
    subscriber_.trusted_until(proved + trust_for);
    extend_trust();
}

/// A master that is cut off from the others, or from its sentinels, does not tell of what its
/// successor changes.
void RedisNode::extend_trust() {
    SteadyTime until = subscriber_.trusted_until();
    if (is_watched()) until = std::min(until, confirmed_until());
    if (until > SteadyTime{}) trust_.proved(lane_, until);
}

void RedisNode::forget_untracked() { trust_.forget(); }

std::uint64_t RedisNode::everything_id() const {
    const std::uint64_t id = everything_.get();
    return id != 0 && steady_now() < memory_trusted_until() ? id : 0;
}

void RedisNode::set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch) {
    if (epoch == epochs_.current()) everything_.set(id, version);
}

// The change of the id may be a purge of everything, so what is in memory may be from before that
// purge.
void RedisNode::forget_everything_id() {
    everything_.forget();
    purge_clock_.forget();  // the server may be another one, whose clock is behind
    trust_.forget();
    wake_maintenance_();
}

}  // namespace larder::redis
