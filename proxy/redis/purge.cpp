#include "redis/purge.hpp"

#include <algorithm>
#include <string>

#include "redis/ids.hpp"
#include "redis/link.hpp"
#include "redis/news.hpp"
#include "redis/purge_steps.hpp"
#include "redis/scripts.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace {

/// Calls `use` with each slot of Generations that the item names.
template <class Use>
void for_each_slot(const PurgeItem& item, const Use& use) {
    switch (item.kind) {
        case PurgeItem::Kind::key:
            use(store::Generations::slot_of_key(item.name));
            use(store::Generations::slot_of_extensions(item.name));
            break;
        case PurgeItem::Kind::pattern:
            use(store::Generations::slot_of_tag(item.name));
            break;
        case PurgeItem::Kind::response_tag:
            use(store::Generations::slot_of_response_tag(item.name));
            break;
        case PurgeItem::Kind::scan:
        case PurgeItem::Kind::everything:
            break;
    }
}

constexpr std::size_t items_at_once = 256;

News news_of(RedisShared& shared, std::vector<PurgeItem> items) {
    return {News::Kind::purges, shared.instance(), shared.history().keeps_for(), std::move(items)};
}

// The news stands behind the purges. So an instance that hears it and marks the purge cannot, after
// its mark, read what was there before the purge. In one server's batch that is its place; in a
// cluster the commands of a batch have no order, and the news follows when all is done.
void add_news(RedisCommands& commands, const RunningPurge& run, std::vector<PurgeItem> items) {
    if (run.how.tell == PurgeRun::Tell::nobody || run.in_cluster()) return;
    commands.add("PUBLISH", run.shared.keys().news(),
                 encode_news(news_of(run.shared, std::move(items))));
}

Task<bool> tell_in_cluster(RunningPurge run, std::vector<PurgeItem> items) {
    if (run.how.tell == PurgeRun::Tell::nobody || !run.in_cluster()) co_return true;
    const bool told = co_await tell_others(run.way, std::move(items), new_batch(run)->deadline);
    co_return told;
}

// A key's purge is one script on one server. While a cluster moves a slot a script over several
// keys is refused, for some of the keys are on either side; so there each key has its own. The
// guard goes first: what is still stored, by a guard that a fill has moved to the entry, is deleted
// with that next.
void add_hard(RedisCommands& commands, const RedisKeys& keys, const PurgeItem& item,
              const std::string& token, bool in_cluster) {
    if (item.kind == PurgeItem::Kind::pattern) {
        commands.run(script::purge_tag, "1", keys.tag(item.name), token);
    } else if (!in_cluster) {
        commands.run(script::purge_key, "3", keys.entry(item.name), keys.guard(item.name),
                     keys.extension(item.name), token);
    } else {
        commands.run(script::purge_entry, "1", keys.guard(item.name), "");
        commands.run(script::purge_entry, "1", keys.entry(item.name), token);
        commands.run(script::purge_tag, "1", keys.extension(item.name), token);
    }
}

void add_soft(RedisCommands& commands, const RedisKeys& keys, const PurgeItem& item,
              bool in_cluster) {
    const std::string mark = random_id();
    if (item.kind == PurgeItem::Kind::pattern) {
        commands.run(script::soft_tag, "1", keys.tag(item.name), mark);
    } else if (!in_cluster) {
        commands.run(script::soft_key, "3", keys.entry(item.name), keys.guard(item.name),
                     keys.extension(item.name), mark);
    } else {
        commands.run(script::purge_entry, "1", keys.guard(item.name), "");
        commands.run(script::soft_entry, "1", keys.entry(item.name), mark);
        commands.run(script::soft_tag, "1", keys.extension(item.name), mark);
    }
}

/// How many commands `add_hard` and `add_soft` make of an item. The last one's reply names the id
/// that has died.
std::size_t commands_of(const PurgeItem& item, bool in_cluster) {
    return item.kind == PurgeItem::Kind::pattern || !in_cluster ? 1 : 3;
}

/// Keys and patterns, some at once. Soft ones that fail (a full Redis) become hard.
Task<bool> purge_some(RunningPurge run, const PurgeItem* first, const PurgeItem* last) {
    const RedisBatchPointer batch = new_batch(run);
    const RedisKeys& keys = run.shared.keys();
    const bool in_cluster = run.in_cluster();
    if (first->soft) batch->work = RedisWork::other;
    for (const PurgeItem* item = first; item != last; ++item) {
        if (item->soft) add_soft(batch->commands, keys, *item, in_cluster);
        if (!item->soft) add_hard(batch->commands, keys, *item, run.how.token, in_cluster);
    }
    add_news(batch->commands, run, std::vector<PurgeItem>(first, last));
    co_await run.way.run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    std::for_each(first, last,
                  [&](const PurgeItem& item) { mark_purged(run.shared.generations(), item); });
    std::vector<PurgeItem> harder;
    auto reply = batch->replies.begin();
    bool good = true;
    for (const PurgeItem* item = first; item != last; ++item) {
        const auto end = reply + static_cast<std::ptrdiff_t>(commands_of(*item, in_cluster));
        const bool failed =
            std::any_of(reply, end, [](const RedisReply& one) { return one.is_error(); });
        const RedisReply& id = *(end - 1);
        reply = end;
        if (item->soft) {
            if (failed) harder.push_back(PurgeItem{item->kind, false, item->name});
            continue;
        }
        if (id.is_text() && !id.text.empty())
            run.shared.sweep_later(std::string(hard_part(id.text)));
        good = good && !failed;
    }
    std::vector<PurgeItem> items(first, last);
    if (good) good = co_await tell_in_cluster(run, std::move(items));
    if (!good || harder.empty()) co_return good;
    const bool hardened = co_await purge_some(run, harder.data(), harder.data() + harder.size());
    co_return hardened;
}

std::vector<PurgeItem> copies_of(const std::vector<const PurgeItem*>& items) {
    std::vector<PurgeItem> copies;
    copies.reserve(items.size());
    for (const PurgeItem* item : items) copies.push_back(*item);
    return copies;
}

/// Without room for a new clock value or tag, both are deleted: a clock that is missing, or made
/// anew, lets no fill pass that began before. The clock goes first, as it is moved first: see
/// `fill`.
Task<bool> drop_response_tags(RunningPurge run, const std::vector<const PurgeItem*>& items) {
    RedisBatchPointer batch = new_batch(run);
    batch->commands.add("UNLINK", run.shared.keys().clock());
    if (run.in_cluster()) {
        co_await run.way.run(batch);
        if (batch->status != RedisBatch::Status::ok || any_failed(*batch, 1)) co_return false;
        batch = new_batch(run);
    }
    for (const PurgeItem* item : items)
        batch->commands.run(script::drop_response_tag, "1",
                            run.shared.keys().response_tag(item->name));
    const std::size_t drops = batch->commands.count();
    add_news(batch->commands, run, copies_of(items));
    co_await run.way.run(batch);
    co_return batch->status == RedisBatch::Status::ok && !any_failed(*batch, drops);
}

Task<bool> purge_response_tags(RunningPurge run, std::vector<const PurgeItem*> items) {
    const RedisKeys& keys = run.shared.keys();
    const RedisBatchPointer ticking = new_batch(run);
    ticking->work = RedisWork::other;  // there is a way without it
    ticking->commands.run(script::tick, "1", keys.clock());
    for (const PurgeItem* item : items) ticking->commands.add("GET", keys.response_tag(item->name));
    co_await run.way.run(ticking);
    if (ticking->status != RedisBatch::Status::ok) co_return false;
    bool marked = ticking->replies.front().is_text();
    if (marked) {
        const std::string& clock = ticking->replies.front().text;
        const RedisBatchPointer marking = new_batch(run);
        marking->work = RedisWork::other;
        for (const PurgeItem* item : items) {
            const std::string tag = keys.response_tag(item->name);
            if (item->soft)
                marking->commands.run(script::soft_response_tag, "1", tag,
                                      clock + "-" + random_id());
            if (!item->soft)
                marking->commands.run(script::mark_response_tag, "1", tag,
                                      clock + ":" + random_id(), id_lifetime.count());
        }
        add_news(marking->commands, run, copies_of(items));
        co_await run.way.run(marking);
        if (marking->status != RedisBatch::Status::ok) co_return false;
        marked = !any_failed(*marking, items.size());
    }
    if (!marked) {
        const bool dropped = co_await drop_response_tags(run, items);
        if (!dropped) co_return false;
    }
    const bool told = co_await tell_in_cluster(run, copies_of(items));
    if (!told) co_return false;
    for (const PurgeItem* item : items) mark_purged(run.shared.generations(), *item);
    run.shared.node_of(keys.clock()).purge_clock().forget();
    for (std::size_t i = 0; i < items.size(); ++i)
        if (!items[i]->soft && ticking->replies[i + 1].is_text())
            run.shared.sweep_later(std::string(index_part(ticking->replies[i + 1].text)));
    co_return true;
}

}  // namespace

RedisBatchPointer new_batch(const RunningPurge& run) {
    auto batch = std::make_shared<RedisBatch>();
    batch->work = RedisWork::purge;
    batch->deadline = run.how.step.count() > 0 ? steady_now() + run.how.step : run.how.deadline;
    if (!run.in_cluster()) batch->epoch = run.how.epoch;
    return batch;
}

bool any_failed(const RedisBatch& batch, std::size_t first) {
    const auto end =
        batch.replies.begin() + static_cast<std::ptrdiff_t>(std::min(first, batch.replies.size()));
    return std::any_of(batch.replies.begin(), end,
                       [](const RedisReply& reply) { return reply.is_error(); });
}

Task<bool> purge_all(RunningPurge run) {
    run.shared.generations().purge_all();
    run.shared.fleet().forget_everything_ids();
    const RedisBatchPointer batch = new_batch(run);
    const std::vector<std::string>& ids = run.shared.keys().everything_ids();
    for (const std::string& id : ids) batch->commands.add("DEL", id);
    add_news(batch->commands, run, {purge_everything()});
    co_await run.way.run(batch);
    if (batch->status != RedisBatch::Status::ok || any_failed(*batch, ids.size())) co_return false;
    run.shared.generations().purge_all();
    run.shared.fleet().forget_everything_ids();
    std::vector<PurgeItem> items(1, purge_everything());
    const bool told = co_await tell_in_cluster(run, std::move(items));
    co_return told;
}

void mark_purged(store::Generations& generations, const PurgeItem& item) {
    const auto mark = [&](std::uint32_t slot) {
        item.soft ? generations.purge_soft(slot) : generations.purge(slot);
    };
    for_each_slot(item, mark);
    if (item.kind == PurgeItem::Kind::scan) generations.begin_scan();
    if (item.kind == PurgeItem::Kind::everything) generations.purge_all();
}

void note_planned(store::Generations& generations, const std::vector<PurgeItem>& items,
                  SteadyTime due) {
    std::vector<std::uint32_t> names;
    const auto add = [&names](std::uint32_t slot) { names.push_back(slot); };
    for (const PurgeItem& item : items) for_each_slot(item, add);
    generations.planned().note(names, due, steady_now());
}

Task<bool> tell_others(RedisWay way, std::vector<PurgeItem> items, SteadyTime deadline) {
    auto batch = std::make_shared<RedisBatch>();
    batch->work = RedisWork::purge;
    batch->deadline = deadline;
    batch->commands.add("PUBLISH", way.shared.keys().news(),
                        encode_news(news_of(way.shared, std::move(items))));
    co_await way.run(batch);
    co_return batch->status == RedisBatch::Status::ok;
}

void add_holds(RedisCommands& commands, const RedisKeys& keys, const std::vector<PurgeItem>& items,
               std::string_view token, Milliseconds time) {
    const bool in_cluster = keys.everything_ids().size() > 1;
    for (const PurgeItem& item : items) {
        if (item.kind == PurgeItem::Kind::pattern)
            commands.run(script::hold_tag, "1", keys.tag(item.name), token, time.count());
        if (item.kind != PurgeItem::Kind::key) continue;
        if (in_cluster) {
            // The entry first: a lease that comes between finds the hold.
            commands.run(script::hold_entry, "1", keys.entry(item.name), token, time.count());
            commands.run(script::purge_entry, "1", keys.guard(item.name), "");
            commands.run(script::hold_tag, "1", keys.extension(item.name), token, time.count());
        }
        if (!in_cluster)
            commands.run(script::hold_key, "3", keys.entry(item.name), keys.guard(item.name),
                         keys.extension(item.name), token, time.count());
    }
}

Task<bool> run_purges(RedisWay way, const std::vector<PurgeItem>& items, const PurgeRun& how) {
    RedisShared& shared = way.shared;
    const RunningPurge run{way, shared, how};
    std::vector<PurgeItem> direct;
    std::vector<const PurgeItem*> tags;
    bool all = false;
    for (const PurgeItem& item : items) {
        if (item.kind == PurgeItem::Kind::response_tag) tags.push_back(&item);
        if (item.kind == PurgeItem::Kind::key || item.kind == PurgeItem::Kind::pattern)
            direct.push_back(item);
        all |= item.kind == PurgeItem::Kind::everything;
    }
    if (all) {
        const bool good = co_await purge_all(run);
        if (!good) co_return false;
    }
    for (std::size_t at = 0; at < direct.size(); at += items_at_once) {
        const std::size_t end = std::min(direct.size(), at + items_at_once);
        const bool good = co_await purge_some(run, direct.data() + at, direct.data() + end);
        if (!good) co_return false;
    }
    for (std::size_t at = 0; at < tags.size(); at += items_at_once) {
        const std::size_t end = std::min(tags.size(), at + items_at_once);
        std::vector<const PurgeItem*> some(tags.begin() + static_cast<std::ptrdiff_t>(at),
                                           tags.begin() + static_cast<std::ptrdiff_t>(end));
        const bool good = co_await purge_response_tags(run, std::move(some));
        if (!good) co_return false;
    }
    PurgeRun patient = how;
    if (patient.step.count() == 0) patient.step = shared.settings().timeout;
    const RunningPurge scans{run.way, shared, patient};
    for (const PurgeItem& item : items) {
        if (item.kind != PurgeItem::Kind::scan) continue;
        const bool good = co_await purge_by_scan(scans, item);
        if (!good) co_return false;
    }
    co_return true;
}

Task<bool> sweep_some(RedisWay way, Sweep& sweep, Milliseconds step) {
    PurgeRun how;
    how.step = step;
    RedisShared& shared = way.shared;
    const RunningPurge run{way, shared, how};
    const std::string index = shared.keys().index(sweep.id);
    const RedisBatchPointer walk = new_batch(run);
    walk->commands.add("SSCAN", index, sweep.cursor, "COUNT", "100");
    co_await run.way.run(walk);
    if (walk->status != RedisBatch::Status::ok) co_return false;
    const RedisReply& page = walk->replies.front();
    const bool is_last = page.items.size() != 2 || page.items[0].text == "0";
    const RedisBatchPointer removal = new_batch(run);
    const std::size_t count = page.items.size() == 2 ? page.items[1].items.size() : 0;
    for (std::size_t i = 0; i < count; ++i)
        removal->commands.run(script::sweep, "1", page.items[1].items[i].text, sweep.id);
    if (is_last) removal->commands.add("UNLINK", index);
    if (removal->commands.count() > 0) {
        co_await run.way.run(removal);
        if (removal->status != RedisBatch::Status::ok) co_return false;
    }
    for (std::size_t i = 0; i < count; ++i)
        if (removal->replies[i].integer == 1) shared.invalidated(page.items[1].items[i].text);
    sweep = is_last ? Sweep{} : Sweep{sweep.id, page.items[0].text};
    co_return true;
}

}  // namespace larder::redis
