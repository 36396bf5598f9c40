#include <algorithm>
#include <optional>
#include <string>

#include "redis/link.hpp"
#include "redis/news.hpp"
#include "redis/purge.hpp"
#include "redis/shared.hpp"

// The memory tier's honesty. An entry in memory is a replica that Redis itself keeps up to date: it
// tells the subscriber of every change to a key that a link has read. So memory may serve as long
// as the subscriber and every link that read are proved alive; whatever may have been read while
// Redis did not track it is forgotten when tracking (re)starts.
namespace larder::redis {
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds trust_for =
    900ms;  // of the promised second, less what timers may be late by

}  // namespace

// A client id means something on its own server only: on another one it may be somebody else's
// connection.
void RedisShared::settle_subscriber() {
    std::int64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!subscriber_server_.empty() && subscriber_server_ == server_) id = subscriber_id_;
        if (subscriber_.exchange(id, std::memory_order_acq_rel) == id) return;
    }
    if (id == 0) {
        heard_until_.store(0, std::memory_order_release);
        trusted_until_.store(0, std::memory_order_release);
        forget_everything_id();
        if (memory_ != nullptr) memory_->distrust();
        return;
    }
    for (const auto& link : links_but(nullptr)) link->track(id);
    tell_presence_soon();  // also, the server's data is to bear our mark from now on
}

void RedisShared::set_subscriber(std::int64_t id, std::string server) {
    {
        const std::lock_guard lock(mutex_);
        subscriber_id_ = id;
        subscriber_server_ = std::move(server);
    }
    settle_subscriber();
}

void RedisShared::subscriber_proved(SteadyTime ping_sent) {
    peers_.news_flows(steady_now());
    const std::int64_t id = subscriber();
    if (id == 0) return;
    heard_until_.store(ping_sent.time_since_epoch().count(), std::memory_order_release);
    SteadyTime proved = ping_sent;
    for (const auto& link : links_but(nullptr)) {
        if (!link->connected()) continue;
        if (link->tracked_by() != id) return;  // trust runs out, unless the link is told in time
        proved = std::min(proved, link->proved_at());
    }
    const SteadyTime until = proved + trust_for;
    trusted_until_.store(until.time_since_epoch().count(), std::memory_order_release);
    if (memory_ != nullptr) memory_->trust_until(until);
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
            generations_.note_change(store::Generations::slot_of_key(named.name));
            if (memory_ != nullptr) memory_->remove(named.name);
            break;
        case Kind::tag:
            generations_.note_change(store::Generations::slot_of_tag(named.name));
            break;
        case Kind::response_tag:
            generations_.note_change(store::Generations::slot_of_response_tag(named.name));
            break;
        case Kind::extension:
            generations_.note_change(store::Generations::slot_of_extensions(named.name));
            // A key that itself stands in braces is written without further ones: it may be this
            // one.
            generations_.note_change(
                store::Generations::slot_of_extensions("{" + std::string(named.name) + "}"));
            break;
        case Kind::everything:
            forget_everything_id();
            break;
        case Kind::other:
            break;
    }
}

// A flush, or a server that takes another's data over: the links ask whom they lead to.
void RedisShared::all_invalidated() {
    forget_everything_id();
    forget_untracked();
    link_troubled(nullptr);
}

std::uint64_t RedisShared::everything_id() const {
    const std::uint64_t id = everything_id_.load(std::memory_order_acquire);
    return id != 0 && steady_now() < memory_trusted_until() ? id : 0;
}

void RedisShared::set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    if (version != everything_version() || epoch != current_epoch()) return;
    everything_id_.store(id, std::memory_order_release);
}

// What is in memory may be of before the purge of everything that this tells of.
void RedisShared::forget_everything_id() {
    {
        const std::lock_guard lock(mutex_);
        everything_version_.fetch_add(1, std::memory_order_acq_rel);
        everything_id_.store(0, std::memory_order_release);
    }
    if (memory_ != nullptr) memory_->forget();
    wake_maintenance();
}

// The purges of others take effect here at once: also before Redis tells of the keys, and where it
// does not tell (a fetch under way has read nothing yet). The history keeps them for a server that
// may have forgotten them.
void RedisShared::heard_news(std::string_view message) {
    const std::optional<News> news = decode_news(message);
    if (!news || news->sender == instance_) return;
    if (news->kind == News::Kind::bye) return peers_.left(news->sender);
    // A newcomer must know of us at once: what we purge may be the last thing that this server
    // tells.
    if (peers_.heard(news->sender, steady_now())) tell_presence_soon();
    if (news->items.empty()) return;
    history_.add(news->items, steady_now(), std::max(news->keep, remembered_for()));
    for (const PurgeItem& item : news->items) {
        mark_purged(generations_, item);
        const bool scan = item.kind == PurgeItem::Kind::scan;
        if (scan && memory_ != nullptr) memory_->purge_matching(item.name, item.soft);
    }
    const auto is_all = [](const PurgeItem& item) {
        return item.kind == PurgeItem::Kind::everything;
    };
    if (std::any_of(news->items.begin(), news->items.end(), is_all)) forget_everything_id();
}

void RedisShared::tell_presence_soon() {
    presence_due_.store(true, std::memory_order_release);
    wake_maintenance();
}

bool RedisShared::hears_another_server() const {
    const std::lock_guard lock(mutex_);
    return !subscriber_server_.empty() && subscriber_server_ != server_;
}

void RedisShared::say_goodbye() {
    const std::shared_ptr<RedisLink> link = usable_link(nullptr);
    if (!link || !journal_.empty()) return;
    const auto batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + settings_.timeout;
    batch->commands.add("PUBLISH", keys_.news(), encode_news({News::Kind::bye, instance_}));
    link->send(batch);
}

std::vector<std::string> RedisShared::marks() const {
    const std::lock_guard lock(mutex_);
    return marks_;
}

void RedisShared::set_marks(std::vector<std::string> names, std::uint64_t version) {
    const std::lock_guard lock(mutex_);
    if (version == news_version_) marks_ = std::move(names);
}

std::uint64_t RedisShared::news_version() const {
    const std::lock_guard lock(mutex_);
    return news_version_;
}

void RedisShared::adopt_mark(std::string name) {
    const std::lock_guard lock(mutex_);
    marks_.push_back(std::move(name));
}

void RedisShared::news_missed() {
    const std::lock_guard lock(mutex_);
    marks_.clear();
    ++news_version_;
}

}  // namespace larder::redis
