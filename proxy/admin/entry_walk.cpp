#include "admin/entry_walk.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/text.hpp"

namespace larder::admin {
namespace {

ShownKey shown_key(store::HeldKey held, std::vector<redis::ListedEntry> listed) {
    ShownKey shown;
    shown.key = std::move(held.key);
    for (cache::Stored& entry : held.variants) {
        ShownEntry one;
        one.bytes = entry->body().size();
        one.soft_purged = held.soft_purged;
        one.in_memory = true;
        const auto same = std::find_if(listed.begin(), listed.end(), [&](const auto& other) {
            return other.entry->variant() == entry->variant();
        });
        if (same != listed.end()) {
            one.in_redis = true;
            listed.erase(same);
        }
        one.entry = std::move(entry);
        shown.entries.push_back(std::move(one));
    }
    for (redis::ListedEntry& entry : listed)
        shown.entries.push_back({std::move(entry.entry), entry.bytes, entry.body_absent,
                                 entry.soft_purged, false, true});
    return shown;
}

net::Task<redis::RedisState> walk_memory(flow::Services& services, EntryWalk& walk,
                                         std::vector<ShownKey>& out) {
    std::vector<store::HeldKey> held;
    if (!services.memory.list_some(walk.place, steady_now(), held))
        walk.part = services.redis ? EntryWalk::Part::redis : EntryWalk::Part::over;
    std::erase_if(held,
                  [&](const store::HeldKey& one) { return !one.key.starts_with(walk.prefix); });
    redis::Listing listing;
    if (services.redis && !held.empty()) {
        std::vector<std::string> keys;
        for (const store::HeldKey& one : held) keys.push_back(one.key);
        listing = co_await services.redis->list_entries(std::move(keys));
    }
    listing.entries.resize(held.size());
    for (std::size_t i = 0; i < held.size(); ++i)
        out.push_back(shown_key(std::move(held[i]), std::move(listing.entries[i])));
    co_return listing.state;
}

net::Task<redis::RedisState> walk_redis(flow::Services& services, EntryWalk& walk,
                                        std::vector<ShownKey>& out) {
    redis::KeyPage page = co_await services.redis->list_keys(walk.redis_place, walk.prefix);
    walk.redis_place = page.next;
    if (page.next.empty()) walk.part = EntryWalk::Part::over;
    if (page.state != redis::RedisState::ok) co_return page.state;
    std::erase_if(page.keys, [&](const std::string& key) {
        return !services.memory.held(key, steady_now()).variants.empty();
    });
    redis::Listing listing = co_await services.redis->list_entries(page.keys);
    for (std::size_t i = 0; i < page.keys.size(); ++i) {
        if (listing.entries[i].empty()) continue;
        store::HeldKey none;
        none.key = std::move(page.keys[i]);
        out.push_back(shown_key(std::move(none), std::move(listing.entries[i])));
    }
    co_return listing.state;
}

}  // namespace

std::string_view tier_of(const ShownEntry& entry) {
    if (entry.in_memory && entry.in_redis) return "both";
    return entry.in_memory ? "memory" : "redis";
}

std::string to_cursor(const EntryWalk& walk) {
    if (walk.part == EntryWalk::Part::redis) return "r." + walk.redis_place;
    return "m." + std::to_string(walk.place.shard) + '.' + std::to_string(walk.place.bucket);
}

std::optional<EntryWalk> parse_cursor(std::string_view text) {
    EntryWalk walk;
    if (text.starts_with("r.")) {
        walk.part = EntryWalk::Part::redis;
        walk.redis_place = text.substr(2);
        const bool plain = walk.redis_place.find_first_not_of("0123456789.") == std::string::npos;
        return plain && walk.redis_place.size() < 64 ? std::optional(walk) : std::nullopt;
    }
    if (!text.starts_with("m.")) return std::nullopt;
    const std::size_t dot = text.find('.', 2);
    if (dot == text.npos) return std::nullopt;
    const auto shard = parse_decimal(text.substr(2, dot - 2));
    const auto bucket = parse_decimal(text.substr(dot + 1));
    if (!shard || !bucket) return std::nullopt;
    walk.place = {static_cast<std::size_t>(*shard), static_cast<std::size_t>(*bucket)};
    return walk;
}

net::Task<redis::RedisState> walk_entries(flow::Services& services, EntryWalk& walk,
                                          std::vector<ShownKey>& out) {
    const boost::asio::use_awaitable_t<net::Executor> awaitable{};
    co_await boost::asio::post(services.executor(), awaitable);
    redis::RedisState state = redis::RedisState::ok;
    if (walk.part == EntryWalk::Part::memory) {
        state = co_await walk_memory(services, walk, out);
        // What memory holds is worth showing where Redis is away.
        if (state != redis::RedisState::ok && walk.part == EntryWalk::Part::memory) co_return state;
    } else if (walk.part == EntryWalk::Part::redis && services.redis) {
        state = co_await walk_redis(services, walk, out);
    } else {
        walk.part = EntryWalk::Part::over;
    }
    if (walk.part == EntryWalk::Part::redis && state != redis::RedisState::ok)
        walk.part = EntryWalk::Part::over;
    co_return state;
}

net::Task<ShownKey> look_up_key(flow::Services& services, std::string key,
                                redis::RedisState& state) {
    store::HeldKey held = services.memory.held(key, steady_now());
    held.key = key;
    redis::Listing listing;
    if (services.redis) {
        std::vector<std::string> keys{std::move(key)};
        listing = co_await services.redis->list_entries(std::move(keys));
    }
    listing.entries.resize(1);
    state = listing.state;
    co_return shown_key(std::move(held), std::move(listing.entries.front()));
}

}  // namespace larder::admin
