#include <algorithm>

#include "cache/freshness.hpp"
#include "cache/vary.hpp"
#include "redis/filling.hpp"
#include "redis/ids.hpp"
#include "redis/leasing.hpp"
#include "redis/news.hpp"
#include "redis/scripts.hpp"
#include "store/entry_format.hpp"

// A fill: stores the entry if no purge came since the lease. Mostly the lease has made the guard,
// and nothing stands under the key: then the entry is written to the guard's hash, and that is
// moved to the key. What comes after a purge stands there without the guard, and nobody takes it.
// Else a script looks whether the guard stands. So the guard decides about the key, the
// ids of the rule tags decide by being current or not, and the purge clock decides about tags that
// only the response named.
namespace larder::redis {
namespace {

using namespace std::chrono_literals;

// A large fill may take as long as this many bytes a millisecond take: nobody waits for it.
constexpr std::int64_t slowest_fill_bytes_a_millisecond = 1024;
constexpr std::size_t fills_waiting_bytes_max = 64u << 20;
constexpr std::size_t bytes_around_an_entry = 1024;  // what a fill mostly sends beside it

/// Reads the mark and all ids after the fill: where they are still those of this fill, Redis tells
/// of the next change, and before there was none. What it tells of the fill itself mostly came
/// before; where it comes later, the memory tier drops the entry, and the next read takes it from
/// Redis.
Task<void> look_after(Filling& fill, RedisStore::Filled& filled) {
    fill.entry.sequence = fill.store.shared.generations().now();
    const RedisBatchPointer batch = fill.new_batch();
    add_look(fill, batch->commands);
    co_await fill.store.run(batch);
    const bool answered = batch->status == RedisBatch::Status::ok;
    if (!answered && fill.moves_guard) filled.outcome = FillOutcome::unavailable;
    if (!answered) co_return;
    const Looked looked = read_look(fill, batch->replies.data());
    if (!looked.current) filled.outcome = FillOutcome::purged;
    filled.tracked = looked.same;
    fill.late = looked.late;
    fill.watched = looked.watched;
}

/// Whether the key holds an entry, and nothing was purged since the lease: then Redis tells of the
/// next change to it, and what was fetched may stay in the memory tier though it is not stored. The
/// mark first: a change after that is told of, and one before it shows in the guard.
Task<bool> is_still_there(Filling& fill) {
    fill.entry.sequence = fill.store.shared.generations().now();
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.add("HGET", fill.lookup.entry_key, mark_field);
    ask_guard(batch->commands, fill.store.shared.keys(), fill.lookup.name.key);
    const std::size_t first_id = batch->commands.count();
    for (const IdKey& id : fill.ids) batch->commands.add("GET", id.key);
    co_await fill.store.run(batch);
    if (batch->status != RedisBatch::Status::ok || !batch->replies[0].is_text()) co_return false;
    if (!guard_stands(&batch->replies[1], fill.lease.guard, fill.lease.soft_id)) co_return false;
    for (std::size_t i = 0; i < fill.ids.size(); ++i)
        if (batch->replies[first_id + i].text != fill.ids[i].id) co_return false;
    co_return true;
}

/// Removes what this fill has put at a key, if no other came since. Does not wait.
void remove_own(const Filling& fill, std::string_view key) {
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.run(script::sweep, "1", key, fill.name());
    fill.store.way().send(batch);
}

/// Removes what was not moved, so that it does not stay until it expires. Does not wait.
void clear_stage(const Filling& fill) {
    const RedisBatchPointer batch = fill.new_batch();
    // There it may be the guard of another fetch by now.
    if (fill.moves_guard)
        batch->commands.run(script::clear_stage, "1", fill.stage, fill.lease.guard, fill.name(),
                            guard_lifetime.count(), lock_lifetime.count());
    if (!fill.moves_guard) batch->commands.add("UNLINK", fill.stage);
    fill.store.way().send(batch);
}

/// The lock went with the guard that was moved. Tells those who wait for its end. Does not wait.
void tell_end_of_lock(const Filling& fill) {
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.add("PUBLISH", fill.store.shared.keys().news(),
                        std::string(lock_news).append(fill.lease.lock_key));
    fill.store.way().send(batch);
}

/// Where a fill could not write, its RENAMENX may have moved the guard alone. Does not wait.
void clear_guard(const Filling& fill, const RedisBatch& batch) {
    if (!batch.replies[fill.set_reply].is_error()) return;
    if (batch.replies[fill.stored_reply].integer != 1) return;
    const RedisBatchPointer removal = fill.new_batch();
    removal->commands.run(script::purge_entry, "1", fill.lookup.entry_key, "");
    fill.store.way().send(removal);
}

/// Has the script put the entry beside what it could not be moved to.
Task<void> merge(Filling& fill, const Encoded& encoded, RedisStore::Filled& filled) {
    const RedisBatchPointer batch = fill.new_batch();
    add_merge(fill, batch->commands, encoded);
    co_await fill.store.run(batch);
    filled = {};
    if (batch->status == RedisBatch::Status::ok) filled = read_fill(fill, *batch);
    if (!fill.is_decided(*batch)) clear_stage(fill);
}

Task<void> send_small(Filling& fill, const Encoded& encoded, RedisStore::Filled& filled) {
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.reserve(encoded.value.size() + bytes_around_an_entry);
    add_fill(fill, batch->commands, encoded, Carrier::link);
    co_await fill.store.run(batch);
    const bool answered = batch->status == RedisBatch::Status::ok;
    if (answered) filled = read_fill(fill, *batch);
    if (answered && !fill.scripted) clear_guard(fill, *batch);
    if (answered && needs_merge(fill, *batch)) {
        co_await merge(fill, encoded, filled);
    } else if (!fill.is_decided(*batch)) {
        clear_stage(fill);
    }
    // No other fetch stands in the way of a plain lease now.
    if (fill.moves_guard && fill.put) fill.store.guards.note(fill.lookup.name.key, SteadyTime{});
}

/// A large value goes over the connection for these, and has its time. False: it did not get there
/// in time, or would not.
Task<bool> send_large(Filling& fill, std::shared_ptr<RedisBulk> bulk, const Encoded& encoded,
                      RedisStore::Filled& filled) {
    // Redis tells of nothing that is read over this connection.
    if (fill.look == Filling::Look::at_all) fill.look = Filling::Look::afterwards;
    const SteadyTime began = steady_now();
    const std::size_t ahead = bulk->backlog();
    const auto bytes = static_cast<std::int64_t>(ahead + encoded.whole.size());
    const Milliseconds time =
        fill.store.timeout() + Milliseconds(bytes / slowest_fill_bytes_a_millisecond);
    BulkRate& rate = fill.store.shared.bulk_fill_rate();
    if (ahead > fills_waiting_bytes_max ||
        !rate.may_ask(static_cast<std::size_t>(bytes), time, began))
        co_return false;
    const RedisBatchPointer batch = fill.new_batch();
    add_fill(fill, batch->commands, encoded, Carrier::bulk);
    batch->bytes_expected = encoded.whole.size();
    batch->deadline = began + time;
    co_await bulk->async_run(batch, std::string());
    const SteadyTime now = steady_now();
    rate.measured(static_cast<std::size_t>(bytes), now - began, now);
    if (batch->status == RedisBatch::Status::ok) filled = read_fill(fill, *batch);
    if (!fill.is_decided(*batch)) clear_stage(fill);
    co_return batch->status == RedisBatch::Status::ok;
}

/// What cannot be written whole is written as a stub alone: then Redis tells of its next change,
/// and the memory tier may have it.
Task<void> send_once(Filling& fill, RedisStore::Filled& filled) {
    Encoded encoded = encode(fill);
    if (encoded.value.empty()) co_return;
    const std::shared_ptr<RedisBulk> bulk =
        encoded.whole.empty() ? nullptr : fill.store.node_of(fill.lookup.name.key).links().bulk();
    if (bulk) {
        const bool sent = co_await send_large(fill, bulk, encoded, filled);
        if (sent) co_return;
        const LargeStub alone{std::string(LargeStub::no_token), encoded.whole.size()};
        encoded.value = make_stub(alone, store::encode_entry(fill.entry, {.without_body = true}));
        encoded.whole.clear();
    }
    co_await send_small(fill, encoded, filled);
}

Task<void> send_fill(Filling& fill, RedisStore::Filled& filled) {
    co_await send_once(fill, filled);
    if (!fill.other_guard) co_return;
    fill.entry.fill_guard = parse_id(fill.lease.guard).value_or(0);
    fill.own_stage = true;
    co_await send_once(fill, filled);
}

/// Makes the entry what it is in the cache: its tags, its variant, and the guards by which the
/// memory tier tells whether it is outdated.
void prepare_entry(Filling& fill) {
    const EntryName& name = fill.lookup.name;
    cache::Draft& entry = fill.entry;
    entry.tags = fill.lease.tags;
    entry.soft_id = fill.lease.soft_id;
    entry.everything = fill.lease.everything;
    const std::string& entry_guard = fill.lease.entry_guard;
    entry.fill_guard = parse_id(entry_guard.empty() ? fill.lease.guard : entry_guard).value_or(0);
    if (entry.vary.empty()) entry.variant = fill.lookup.host_variant;
    if (!entry.vary.empty())
        cache::build_variant(*name.request, entry.vary, name.with_host, entry.variant);
    // What Redis tells from here on counts; what it told before, the replies to the fill judge
    // anew.
    fill.lookup.sequence = fill.store.shared.generations().now();
    entry.key = name.key;
    entry.sequence = fill.lookup.sequence;
    entry.guards = store::guard_slots(name.key, name.bare_size, name.tags);
    for (const cache::TagId& tag : entry.response_tags)
        entry.guards.push_back(store::Generations::slot_of_response_tag(tag.name));
    fill.lives = time_to_live(entry, wall_now());
    fill.store.shared.history().note_lifetime(fill.lives);
    for (const std::string_view id : index_ids(entry)) fill.mark.append(",").append(id);
    fill.ids = id_keys(fill);
}

/// Stores the entry, or leaves what is there where that is too slow to read. Where the lock is not
/// given back here, `hold` does it.
Task<void> store_entry(Filling& fill, RedisStore::Older older, LeaseHold& hold,
                       RedisStore::Filled& filled) {
    const std::uint64_t heard_by = fill.store.heard_by();
    // Without a memory tier nobody needs to be told of the entry's next change. Where Redis tells
    // of the fill itself, that message should come before the look.
    if (heard_by != 0 && fill.store.shared.node().tracks_all())
        fill.look = fill.lease.untracked ? Filling::Look::at_all : Filling::Look::afterwards;
    bool tracked = false;
    if (older == RedisStore::Older::left && fill.entry.body.size() > large_above) {
        tracked = co_await is_still_there(fill);
        filled.outcome = tracked ? FillOutcome::stored : FillOutcome::unavailable;
    } else {
        co_await send_fill(fill, filled);
        if (filled.outcome == FillOutcome::stored && fill.look == Filling::Look::afterwards)
            co_await look_after(fill, filled);
        const bool moved = fill.moves_guard && !fill.scripted;
        const bool ended = moved ? filled.outcome == FillOutcome::stored : fill.gave_back;
        if (ended && moved && fill.watched && hold.has_lock()) tell_end_of_lock(fill);
        if (ended) hold.filled();
        if (fill.late) remove_own(fill, fill.lookup.entry_key);
        tracked = filled.tracked;
    }
    // Redis has told of all changes to what was read since `heard_by` was noted.
    filled.tracked = tracked && heard_by != 0 && heard_by == fill.store.heard_by();
}

}  // namespace

RedisBatchPointer Filling::new_batch() const {
    return store.new_batch_of(lookup.name.key, lease.epoch, steady_now() + store.timeout(),
                              RedisWork::store);
}

Task<RedisStore::Filled> RedisStore::fill(EntryName name, std::shared_ptr<const Lease> shared,
                                          cache::Draft& draft, Older older) {
    Filled filled;
    const SteadyTime started = steady_now();
    const Lease& lease = *shared;
    LeaseHold lock = hold(shared);
    EntryLookup lookup(name, impl_->shared.keys());
    Filling fill{*impl_, std::move(lookup), lease, draft, Milliseconds(0), random_id()};
    const bool same_tags = lease.tags.size() == fill.lookup.id_count();
    const bool may = lease.can_store() && same_tags && impl_->may_read(name.key);
    Tags tags = Tags::unavailable;
    if (may) tags = co_await settle_response_tags(fill);
    if (tags == Tags::purged) filled.outcome = FillOutcome::purged;
    if (tags != Tags::current && !lease.foreign_key.empty()) filled.outcome = FillOutcome::foreign;
    if (tags == Tags::current) {
        prepare_entry(fill);
        co_await store_entry(fill, older, lock, filled);
    }
    if (fill.put)
        for (const std::string_view id : index_ids(draft))
            impl_->note_in_index(id, name.key, fill.lives);
    impl_->observed(RedisOperation::fill, started);
    co_return filled;
}

}  // namespace larder::redis
