#include "store/redis_purge.hpp"

#include <algorithm>
#include <string>

#include "store/redis_ids.hpp"
#include "store/redis_scripts.hpp"
#include "store/redis_shared.hpp"

namespace larder::store {
namespace {

constexpr std::size_t items_at_once = 256;
constexpr std::string_view scan_count = "500";

/// One run of purges: what all its steps share.
struct Run {
    std::shared_ptr<RedisLink> link;
    RedisShared& shared;
    SteadyTime deadline;
    Milliseconds step;
};

RedisBatchPointer new_batch(const Run& run) {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = run.step.count() > 0 ? steady_now() + run.step : run.deadline;
    return batch;
}

bool any_failed(const RedisBatch& batch) {
    return std::any_of(batch.replies.begin(), batch.replies.end(), [](const RedisReply& reply) { return reply.is_error(); });
}

void forget(RedisShared& shared, const PurgeItem& item) {
    Generations& generations = shared.generations();
    switch (item.kind) {
        case PurgeItem::Kind::key:
            generations.purge(Generations::slot_of_key(item.name));
            generations.purge(Generations::slot_of_extensions(item.name));
            break;
        case PurgeItem::Kind::pattern: generations.purge(Generations::slot_of_tag(item.name)); break;
        case PurgeItem::Kind::response_tag: generations.purge(Generations::slot_of_response_tag(item.name)); break;
        case PurgeItem::Kind::scan: break;  // key by key
    }
}

// Plain UNLINKs, which work in a full Redis too. The id is read first, so that the sweep knows what it was.
void add_hard(RedisCommands& commands, const RedisKeys& keys, const PurgeItem& item) {
    if (item.kind == PurgeItem::Kind::pattern) {
        const std::string tag = keys.tag(item.name);
        commands.add("GET", tag).add("UNLINK", tag);
        return;
    }
    const std::string extension = keys.extension(item.name);
    commands.add("GET", extension).add("UNLINK", keys.entry(item.name), keys.guard(item.name), extension);
}

void add_soft(RedisCommands& commands, const RedisKeys& keys, const PurgeItem& item) {
    const std::string mark = random_id();
    if (item.kind == PurgeItem::Kind::pattern) {
        commands.add("EVAL", script::soft_tag, "1", keys.tag(item.name), mark);
        return;
    }
    commands.add("EVAL", script::soft_key, "3", keys.entry(item.name), keys.guard(item.name), keys.extension(item.name), mark);
}

/// Keys and patterns, some at once. Soft ones that fail (a full Redis) become hard.
Task<bool> purge_some(Run run, const PurgeItem* first, const PurgeItem* last) {
    const RedisBatchPointer batch = new_batch(run);
    for (const PurgeItem* item = first; item != last; ++item) {
        if (item->soft) add_soft(batch->commands, run.shared.keys(), *item);
        if (!item->soft) add_hard(batch->commands, run.shared.keys(), *item);
    }
    co_await run.link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    std::for_each(first, last, [&](const PurgeItem& item) { forget(run.shared, item); });
    std::vector<PurgeItem> harder;
    auto reply = batch->replies.begin();
    bool good = true;
    for (const PurgeItem* item = first; item != last; ++item) {
        if (item->soft) {
            if (reply->is_error()) harder.push_back(PurgeItem{item->kind, false, item->name});
            ++reply;
            continue;
        }
        if (reply->is_text()) run.shared.sweep_later(std::string(hard_part(reply->text)));
        ++reply;
        good = good && !reply->is_error();
        ++reply;
    }
    if (!good || harder.empty()) co_return good;
    const bool hardened = co_await purge_some(run, harder.data(), harder.data() + harder.size());
    co_return hardened;
}

/// Without room for a new clock value or tag, both are deleted: a clock that is missing, or made anew, lets no fill pass
/// that began before. The clock goes first, as it is moved first: see `fill`.
Task<bool> drop_response_tags(Run run, const std::vector<const PurgeItem*>& items) {
    const RedisBatchPointer batch = new_batch(run);
    batch->commands.add("UNLINK", run.shared.keys().clock());
    for (const PurgeItem* item : items) batch->commands.add("UNLINK", run.shared.keys().response_tag(item->name));
    co_await run.link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    co_return !any_failed(*batch);
}

Task<bool> purge_response_tags(Run run, std::vector<const PurgeItem*> items) {
    const RedisKeys& keys = run.shared.keys();
    const RedisBatchPointer ticking = new_batch(run);
    ticking->commands.add("EVAL", script::tick, "1", keys.clock());
    for (const PurgeItem* item : items) ticking->commands.add("GET", keys.response_tag(item->name));
    co_await run.link->async_run(ticking);
    if (ticking->status != RedisBatch::Status::ok) co_return false;
    bool marked = ticking->replies.front().is_text();
    if (marked) {
        const std::string& clock = ticking->replies.front().text;
        const RedisBatchPointer marking = new_batch(run);
        for (const PurgeItem* item : items) {
            const std::string tag = keys.response_tag(item->name);
            if (item->soft) marking->commands.add("EVAL", script::soft_response_tag, "1", tag, clock + "-" + random_id());
            if (!item->soft) marking->commands.add("SET", tag, clock + ":" + random_id(), "PX", id_lifetime.count());
        }
        co_await run.link->async_run(marking);
        if (marking->status != RedisBatch::Status::ok) co_return false;
        marked = !any_failed(*marking);
    }
    if (!marked) {
        const bool dropped = co_await drop_response_tags(run, items);
        if (!dropped) co_return false;
    }
    for (const PurgeItem* item : items) forget(run.shared, *item);
    for (std::size_t i = 0; i < items.size(); ++i)
        if (!items[i]->soft && ticking->replies[i + 1].is_text())
            run.shared.sweep_later(std::string(index_part(ticking->replies[i + 1].text)));
    co_return true;
}

enum class Found : std::uint8_t { guards, entries };

/// What is done to the keys of one page of a scan.
void add_removals(RedisCommands& commands, const std::vector<RedisReply>& found, Found what, bool soft) {
    for (const RedisReply& key : found) {
        if (what == Found::guards) {
            commands.add("UNLINK", key.text);
        } else if (key.text.starts_with("larder:")) {
            continue;
        } else if (soft) {
            commands.add("EVAL", script::soft_entry, "1", key.text, random_id());
        } else {
            commands.add("EVAL", script::remove_entry, "1", key.text);
        }
    }
}

/// Walks all keys that match a glob and purges those of larder's. Soft ones that fail (a full Redis) become hard.
Task<bool> scan(Run run, std::string match, Found what, bool soft) {
    std::string cursor = "0";
    do {
        const RedisBatchPointer walk = new_batch(run);
        walk->commands.add("SCAN", cursor, "MATCH", match, "COUNT", scan_count, "TYPE", what == Found::guards ? "string" : "hash");
        co_await run.link->async_run(walk);
        if (walk->status != RedisBatch::Status::ok) co_return false;
        const RedisReply& page = walk->replies.front();
        if (page.items.size() != 2) co_return false;
        cursor = page.items[0].text;
        RedisBatchPointer removal = new_batch(run);
        add_removals(removal->commands, page.items[1].items, what, soft);
        if (removal->commands.count() == 0) continue;
        co_await run.link->async_run(removal);
        if (removal->status != RedisBatch::Status::ok) co_return false;
        if (soft && any_failed(*removal)) {
            removal = new_batch(run);
            add_removals(removal->commands, page.items[1].items, what, false);
            co_await run.link->async_run(removal);
            if (removal->status != RedisBatch::Status::ok) co_return false;
        }
        if (any_failed(*removal)) co_return false;
        for (const RedisReply& key : page.items[1].items) run.shared.invalidated(key.text);
    } while (cursor != "0");
    co_return true;
}

/// The guards first: a fetch whose guard was still there has stored before the keys are walked, and is found there.
Task<bool> purge_by_scan(Run run, std::string pattern, bool soft) {
    const std::string escaped = escape_glob(run.shared.keys().prefix(), pattern);
    // Both forms that a guard's name may have; see RedisKeys.
    const std::string braced = "larder:lease:{" + escaped + "}";
    const std::string plain = "larder:lease:" + escaped;
    const bool braced_gone = co_await scan(run, braced, Found::guards, false);
    if (!braced_gone) co_return false;
    const bool plain_gone = co_await scan(run, plain, Found::guards, false);
    if (!plain_gone) co_return false;
    const bool entries = co_await scan(run, escaped, Found::entries, soft);
    co_return entries;
}

}  // namespace

Task<bool> run_purges(std::shared_ptr<RedisLink> link, RedisShared& shared, const std::vector<PurgeItem>& items,
                      SteadyTime deadline, Milliseconds step) {
    const Run run{std::move(link), shared, deadline, step};
    std::vector<PurgeItem> direct;
    std::vector<const PurgeItem*> tags;
    for (const PurgeItem& item : items) {
        if (item.kind == PurgeItem::Kind::response_tag) tags.push_back(&item);
        if (item.kind == PurgeItem::Kind::key || item.kind == PurgeItem::Kind::pattern) direct.push_back(item);
    }
    for (std::size_t at = 0; at < direct.size(); at += items_at_once) {
        const std::size_t end = std::min(direct.size(), at + items_at_once);
        const bool good = co_await purge_some(run, direct.data() + at, direct.data() + end);
        if (!good) co_return false;
    }
    for (std::size_t at = 0; at < tags.size(); at += items_at_once) {
        const std::size_t end = std::min(tags.size(), at + items_at_once);
        std::vector<const PurgeItem*> some(tags.begin() + static_cast<std::ptrdiff_t>(at), tags.begin() + static_cast<std::ptrdiff_t>(end));
        const bool good = co_await purge_response_tags(run, std::move(some));
        if (!good) co_return false;
    }
    Run scans = run;
    if (scans.step.count() == 0) scans.step = shared.settings().timeout;
    for (const PurgeItem& item : items) {
        if (item.kind != PurgeItem::Kind::scan) continue;
        const bool good = co_await purge_by_scan(scans, item.name, item.soft);
        if (!good) co_return false;
    }
    co_return true;
}

Task<bool> sweep_index(std::shared_ptr<RedisLink> link, RedisShared& shared, std::string id, Milliseconds step) {
    const Run run{std::move(link), shared, {}, step};
    const std::string index = RedisKeys::index(id);
    std::string cursor = "0";
    do {
        const RedisBatchPointer walk = new_batch(run);
        walk->commands.add("SSCAN", index, cursor, "COUNT", "100");
        co_await run.link->async_run(walk);
        if (walk->status != RedisBatch::Status::ok) co_return false;
        const RedisReply& page = walk->replies.front();
        if (page.items.size() != 2) co_return true;
        cursor = page.items[0].text;
        const RedisBatchPointer removal = new_batch(run);
        for (const RedisReply& key : page.items[1].items) removal->commands.add("EVAL", script::sweep, "1", key.text, id);
        if (cursor == "0") removal->commands.add("UNLINK", index);
        if (removal->commands.count() == 0) continue;
        co_await run.link->async_run(removal);
        if (removal->status != RedisBatch::Status::ok) co_return false;
        for (std::size_t i = 0; i < page.items[1].items.size(); ++i)
            if (removal->replies[i].integer == 1) shared.invalidated(page.items[1].items[i].text);
    } while (cursor != "0");
    co_return true;
}

}  // namespace larder::store
