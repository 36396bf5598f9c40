#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "redis/link.hpp"
#include "redis/news.hpp"
#include "redis/purge.hpp"
#include "redis/shared.hpp"

// What the subscriber hears: Redis tells of changed keys, the other instances of their purges.
namespace larder::redis {

void RedisShared::invalidated(std::string_view redis_key) {
    using Kind = RedisKeys::Kind;
    const RedisKeys::Named named = keys().name_of(redis_key);
    switch (named.kind) {
        case Kind::entry:
            generations_.note_change(store::Generations::slot_of_key(named.name));
            if (trust_.has_memory()) trust_.memory()->remove(named.name);
            break;
        case Kind::tag:
            generations_.note_change(store::Generations::slot_of_tag(named.name));
            break;
        case Kind::response_tag:
            generations_.note_change(store::Generations::slot_of_response_tag(named.name));
            break;
        case Kind::extension:
            generations_.note_change(store::Generations::slot_of_extensions(named.name));
            // A key that has braces itself is written without further braces, so this may be such a
            // key.
            generations_.note_change(
                store::Generations::slot_of_extensions("{" + std::string(named.name) + "}"));
            break;
        case Kind::everything:
            fleet_.forget_everything_ids();
            break;
        case Kind::other:
            break;
    }
}

// A flush, or a server that takes another's data over: the links ask to which server they lead.
void RedisShared::all_invalidated(RedisNode& node) {
    node.forget_everything_id();
    node.forget_untracked();
    node.link_troubled(nullptr);
}

// The purges of other instances take effect here at once: before Redis tells of the keys, and where
// Redis does not tell (a fetch under way has read nothing yet). The history keeps them for a server
// that may have forgotten them.
void RedisShared::heard_news(std::string_view message) {
    if (message.starts_with(lock_news)) return lock_waiters_.wake(message.substr(lock_news.size()));
    const std::optional<News> news = decode_news(message);
    // A purge ends the worth of fetches that others wait for.
    if (news && news->kind == News::Kind::purges) lock_waiters_.let_all_look();
    if (!news || news->sender == instance_) return;
    if (news->kind == News::Kind::bye) return peers_.left(news->sender);
    // A new instance must know of this one at once: a purge of this one may be the last thing that
    // this server tells.
    if (peers_.heard(news->sender, steady_now())) node().tell_presence_soon();
    if (news->items.empty()) return;
    if (news->kind == News::Kind::planned)
        return note_planned(generations_, news->items, steady_now() + news->keep);
    history_.add(news->items, steady_now(), std::max(news->keep, history_.keeps_for()));
    for (const PurgeItem& item : news->items) {
        mark_purged(generations_, item);
        if (item.kind == PurgeItem::Kind::response_tag)
            node_of(keys().clock()).purge_clock().forget();
        const bool scan = item.kind == PurgeItem::Kind::scan;
        if (scan && trust_.has_memory()) trust_.memory()->purge_matching(item.name, item.soft);
    }
    const auto is_all = [](const PurgeItem& item) {
        return item.kind == PurgeItem::Kind::everything;
    };
    if (std::any_of(news->items.begin(), news->items.end(), is_all)) fleet_.forget_everything_ids();
}

void RedisShared::say_goodbye() {
    std::shared_ptr<RedisLink> link;
    for (const int lane : fleet_.in_use())
        if (!link) link = fleet_.lane(lane).usable_link(nullptr);
    if (!link || !journal_.empty()) return;
    const auto batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + settings().timeout;
    batch->commands.add("PUBLISH", keys().news(), encode_news({News::Kind::bye, instance_}));
    link->send(batch);
}

}  // namespace larder::redis
