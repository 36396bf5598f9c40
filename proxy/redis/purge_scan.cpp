#include <string>
#include <utility>
#include <vector>

#include "redis/cluster_view.hpp"
#include "redis/keys.hpp"
#include "redis/purge_steps.hpp"
#include "redis/scripts.hpp"
#include "redis/shared.hpp"

// Purges by a pattern that is no tag: its keys are looked for.
namespace larder::redis {
namespace {

constexpr std::string_view scan_count = "500";

/// What a scan does to the keys that it finds.
enum class Removal : std::uint8_t {
    of_guards,
    of_entries,
    softly,  ///< marks entries as soft-purged
};

/// What is done to the keys of one page of a scan.
void add_removals(RedisCommands& commands, const RedisKeys& keys,
                  const std::vector<RedisReply>& found, Removal removal) {
    for (const RedisReply& key : found) {
        if (removal == Removal::of_guards) {
            commands.run(script::purge_entry, "1", key.text, "");
        } else if (keys.name_of(key.text).kind != RedisKeys::Kind::entry) {
            continue;
        } else if (removal == Removal::softly) {
            commands.run(script::soft_entry, "1", key.text, random_id());
        } else {
            commands.run(script::purge_entry, "1", key.text, "");
        }
    }
}

/// Walks all keys of a server that match a glob and purges those of larder's. Soft ones that fail
/// (a full Redis) become hard.
Task<bool> scan_one(RunningPurge run, int lane, std::string match, Removal what) {
    std::string cursor = "0";
    do {
        const RedisBatchPointer walk = new_batch(run);
        walk->commands.add("SCAN", cursor, "MATCH", match, "COUNT", scan_count, "TYPE", "hash");
        co_await run_on_lane(run.way, lane, walk);
        if (walk->status != RedisBatch::Status::ok) co_return false;
        const RedisReply& page = walk->replies.front();
        if (page.items.size() != 2) co_return false;
        cursor = page.items[0].text;
        RedisBatchPointer removal = new_batch(run);
        add_removals(removal->commands, run.shared.keys(), page.items[1].items, what);
        if (removal->commands.count() == 0) continue;
        co_await run.way.run(removal);
        if (removal->status != RedisBatch::Status::ok) co_return false;
        if (what == Removal::softly && any_failed(*removal, removal->replies.size())) {
            removal = new_batch(run);
            add_removals(removal->commands, run.shared.keys(), page.items[1].items,
                         Removal::of_entries);
            co_await run.way.run(removal);
            if (removal->status != RedisBatch::Status::ok) co_return false;
        }
        if (any_failed(*removal, removal->replies.size())) co_return false;
        for (const RedisReply& key : page.items[1].items) run.shared.invalidated(key.text);
    } while (cursor != "0");
    co_return true;
}

/// The same on all servers.
Task<bool> scan(RunningPurge run, std::string match, Removal what) {
    for (const int lane : run.shared.fleet().in_use()) {
        if (run.how.scanned_lane >= 0 && lane != run.how.scanned_lane) continue;
        const bool good = co_await scan_one(run, lane, match, what);
        if (!good) co_return false;
    }
    co_return true;
}

/// The guards first, on all servers: a fetch whose guard was still there has stored before the keys
/// are walked, and is found there. So is a guard that a fill has moved to its entry.
Task<bool> walk_all(RunningPurge run, PurgeItem item) {
    const std::string& prefix = run.shared.keys().prefix();
    const std::string escaped = escape_glob(prefix, item.name);
    // Both forms that a guard's name may have; see RedisKeys.
    const std::string own = escape_glob(prefix + "larder:lease:", "");
    const std::string braced = own + "{" + escaped + "}";
    const std::string plain = own + escaped;
    const bool braced_gone = co_await scan(run, braced, Removal::of_guards);
    if (!braced_gone) co_return false;
    const bool plain_gone = co_await scan(run, plain, Removal::of_guards);
    if (!plain_gone) co_return false;
    const Removal removal = item.soft ? Removal::softly : Removal::of_entries;
    const bool entries = co_await scan(run, escaped, removal);
    co_return entries;
}

/// What the masters say of their slots and of moves that are under way: where it is the same before
/// and after a scan, and no slot is on its way, no key can have passed the scan. Empty: a slot is
/// being moved, or a master does not say.
Task<std::string> slots_at_rest(RunningPurge run) {
    std::string said = std::to_string(run.shared.fleet().version());
    for (const int lane : run.shared.fleet().in_use()) {
        if (run.how.scanned_lane >= 0 && lane != run.how.scanned_lane) continue;
        const RedisBatchPointer ask = new_batch(run);
        ask->commands.add("CLUSTER", "NODES");
        co_await run_on_lane(run.way, lane, ask);
        const bool answered = ask->status == RedisBatch::Status::ok && ask->replies[0].is_text();
        const std::string own = answered ? own_slots(ask->replies[0].text) : std::string();
        if (own.empty()) co_return std::string();
        said.append("\n").append(own);
    }
    co_return said;
}

}  // namespace

Task<bool> purge_by_scan(RunningPurge run, PurgeItem item) {
    std::string before;
    if (run.in_cluster()) before = co_await slots_at_rest(run);
    bool good = false;
    if (!run.in_cluster() || !before.empty()) {
        good = co_await walk_all(run, item);
        if (!good) co_return false;
    }
    if (run.in_cluster()) {
        const std::string after = co_await slots_at_rest(run);
        if (after.empty() || after != before) {
            good = co_await purge_all(run);
            co_return good;
        }
    }
    if (run.how.tell == PurgeRun::Tell::nobody) co_return true;
    std::vector<PurgeItem> items;
    items.push_back(std::move(item));
    const bool told = co_await tell_others(run.way, std::move(items), new_batch(run)->deadline);
    co_return told;
}

}  // namespace larder::redis
