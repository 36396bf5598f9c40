#include <algorithm>
#include <string>

#include "store/redis_link.hpp"
#include "store/redis_shared.hpp"

// The memory tier's honesty. An entry in memory is a replica that Redis itself keeps up to date: it tells the subscriber
// of every change to a key that a link has read. So memory may serve as long as the subscriber and every link that read
// are proved alive; whatever may have been read while Redis did not track it is forgotten when tracking (re)starts.
namespace larder::store {
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds trust_for = 900ms;  // of the promised second, less what timers may be late by

}  // namespace

void RedisShared::set_subscriber(std::int64_t id) {
    subscriber_.store(id, std::memory_order_release);
    if (id == 0) {
        trusted_until_.store(0, std::memory_order_release);
        if (memory_ != nullptr) memory_->distrust();
        return;
    }
    std::vector<std::shared_ptr<RedisLink>> links;
    {
        const std::lock_guard lock(mutex_);
        links = link_list_;
    }
    for (const auto& link : links)
        if (link) link->track(id);
}

void RedisShared::subscriber_proved(SteadyTime ping_sent) {
    if (memory_ == nullptr) return;
    SteadyTime proved = ping_sent;
    const std::int64_t id = subscriber();
    {
        const std::lock_guard lock(mutex_);
        for (const auto& link : link_list_) {
            if (!link || !link->connected()) continue;
            if (link->tracked_by() != id) return;  // trust runs out, unless the link is told in time
            proved = std::min(proved, link->proved_at());
        }
    }
    const SteadyTime until = proved + trust_for;
    trusted_until_.store(until.time_since_epoch().count(), std::memory_order_release);
    memory_->trust_until(until);
}

void RedisShared::forget_untracked() {
    if (memory_ == nullptr) return;
    memory_->forget();
}

void RedisShared::invalidated(std::string_view redis_key) {
    using Kind = RedisKeys::Kind;
    const RedisKeys::Named named = keys_.name_of(redis_key);
    switch (named.kind) {
        case Kind::entry:
            generations_.note_change(Generations::slot_of_key(named.name));
            if (memory_ != nullptr) memory_->remove(named.name);
            break;
        case Kind::tag: generations_.note_change(Generations::slot_of_tag(named.name)); break;
        case Kind::response_tag: generations_.note_change(Generations::slot_of_response_tag(named.name)); break;
        case Kind::extension:
            generations_.note_change(Generations::slot_of_extensions(named.name));
            // A key that itself stands in braces is written without further ones: it may be this one.
            generations_.note_change(Generations::slot_of_extensions("{" + std::string(named.name) + "}"));
            break;
        case Kind::other: break;
    }
}

void RedisShared::all_invalidated() { forget_untracked(); }

}  // namespace larder::store
