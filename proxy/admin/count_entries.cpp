#include "admin/count_entries.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/entry_walk.hpp"
#include "admin/purge_order.hpp"
#include "base/json_text.hpp"
#include "route/pattern.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t sample_max = 10;
constexpr Milliseconds looks_for{20'000};

/// One item of an order, and what it has met so far.
struct Item {
    std::string kind;  ///< "key", "pattern", ...
    std::string value;
    ResolvedPurge purge;
    std::uint64_t entries = 0;
    json::array sample;
};

// Purging a key also purges the keys that extend it with an appended query.
bool covers(const std::string& purged, const std::string& key) {
    return key.starts_with(purged) && (key.size() == purged.size() || key[purged.size()] == '?');
}

bool meets(const ResolvedPurge& purge, const ShownKey& shown) {
    const store::PurgeOrder& order = purge.order;
    const auto is_covered = [&](const std::string& key) { return covers(key, shown.key); };
    const auto matches = [&](const std::string& pattern) {
        const std::string_view bare(shown.key.data(),
                                    std::min(shown.key.find('?'), shown.key.size()));
        return route::glob_match(pattern, shown.key) || route::glob_match(pattern, bare);
    };
    if (order.everything || std::any_of(order.set.keys.begin(), order.set.keys.end(), is_covered) ||
        std::any_of(order.set.patterns.begin(), order.set.patterns.end(), matches) ||
        std::any_of(order.scan_patterns.begin(), order.scan_patterns.end(), matches))
        return true;
    return std::any_of(shown.entries.begin(), shown.entries.end(), [&](const ShownEntry& one) {
        const cache::TagList tags = one.entry->response_tags();
        return std::any_of(tags.begin(), tags.end(), [&](const cache::TagView tag) {
            return std::find(order.tags.begin(), order.tags.end(), tag.name) != order.tags.end();
        });
    });
}

// Each item as an order of its own. What is no URL is left out: the caller has refused it.
std::vector<Item> items_of(const PurgeOrder& order, const route::RouteTable& routes) {
    std::vector<Item> items;
    const auto add = [&](const char* kind, const std::string& value, PurgeOrder alone) {
        auto resolved = resolve_purge(std::move(alone), routes);
        if (auto* purge = std::get_if<ResolvedPurge>(&resolved))
            items.push_back({kind, value, std::move(*purge), 0, {}});
    };
    const auto add_all = [&](const char* kind, std::vector<std::string> PurgeOrder::*member) {
        for (const std::string& value : order.*member) {
            PurgeOrder alone;
            (alone.*member).push_back(value);
            add(kind, value, std::move(alone));
        }
    };
    add_all("key", &PurgeOrder::keys);
    add_all("pattern", &PurgeOrder::patterns);
    add_all("tag", &PurgeOrder::tags);
    add_all("url", &PurgeOrder::urls);
    add_all("host", &PurgeOrder::hosts);
    add_all("prefix", &PurgeOrder::prefixes);
    PurgeOrder everything;
    everything.everything = true;
    if (order.everything) add("everything", "true", std::move(everything));
    return items;
}

json::object to_json(Item& item) {
    json::object out;
    out[item.kind] = item.value;
    out["entries"] = item.entries;
    out["sample"] = std::move(item.sample);
    return out;
}

}  // namespace

net::Task<void> count_entries(flow::Services& services, std::shared_ptr<const flow::Config> config,
                              PurgeOrder order, std::function<void(JsonAnswer)> done) {
    std::vector<Item> items = items_of(order, config->routes);
    json::object out;
    out["dry_run"] = true;
    EntryWalk walk;
    const SteadyTime give_up = steady_now() + looks_for;
    while (walk.part != EntryWalk::Part::over) {
        std::vector<ShownKey> met;
        const redis::RedisState state = co_await walk_entries(services, walk, met);
        for (const ShownKey& key : met)
            for (Item& item : items) {
                if (!meets(item.purge, key)) continue;
                item.entries += key.entries.size();
                if (item.sample.size() < sample_max) item.sample.push_back(json::string(key.key));
            }
        const bool redis_failed = state != redis::RedisState::ok;
        if (redis_failed) out["redis"] = state == redis::RedisState::down ? "down" : "timeout";
        if (redis_failed || steady_now() >= give_up) out["incomplete"] = true;
        if (steady_now() >= give_up) break;
    }
    json::array would_purge;
    for (Item& item : items) would_purge.push_back(to_json(item));
    out["would_purge"] = std::move(would_purge);
    done({200, json_text(out)});
}

}  // namespace larder::admin
