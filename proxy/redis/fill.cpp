#include <algorithm>

#include "cache/decisions.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"
#include "redis/store_impl.hpp"
#include "store/entry_format.hpp"

// A fill: stores the entry if no purge came since the lease. The guard decides about the key, the
// ids of the rule tags decide by being current or not, and the purge clock decides about tags that
// only the response named.
namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t fields_max = 128;
constexpr std::int64_t index_members_max = 100'000;
// An expired entry that can be validated is kept a little for the 304 it may get.
constexpr Milliseconds kept_for_validation = 60s;
// A large fill may take as long as this many bytes a millisecond take: nobody waits for it.
constexpr std::int64_t slowest_fill_bytes_a_millisecond = 1024;
constexpr std::size_t fills_waiting_bytes_max = 64u << 20;
constexpr Milliseconds lifetime_max = std::chrono::hours(24 * 366);

/// How long the entry is of any use, as the key's expiry.
Milliseconds time_to_live(const cache::StoredResponse& entry, WallTime now) {
    const cache::Freshness& f = entry.freshness;
    const Milliseconds fresh = std::clamp(cache::time_left(f, now), Milliseconds(0), lifetime_max);
    const Milliseconds stale =
        f.must_revalidate ? Milliseconds(0) : std::max(f.stale_while_revalidate, f.stale_if_error);
    const bool has_validator = !entry.etag.empty() || !entry.last_modified.empty();
    const Milliseconds kept = std::max(std::clamp(stale, Milliseconds(0), lifetime_max),
                                       has_validator ? kept_for_validation : Milliseconds(0));
    return std::max<Milliseconds>(fresh + kept, 1ms);
}

enum class Tags : std::uint8_t { current, purged, unavailable };

/// Takes the ids that the response tags have now: `purged` where one was purged since `clock`.
/// `missing`: how many have none.
Tags take_response_tags(const RedisReply* ids, std::uint64_t clock, std::vector<cache::TagId>& tags,
                        std::size_t& missing) {
    missing = 0;
    for (std::size_t i = 0; i < tags.size(); ++i) {
        tags[i].id.clear();
        if (!ids[i].is_text()) {
            ++missing;
            continue;
        }
        const auto purged_at = last_purge_of(ids[i].text);
        if (!purged_at || *purged_at > clock) return Tags::purged;
        tags[i].id = ids[i].text;
    }
    return Tags::current;
}

/// Nothing was purged by a response tag since the clock was read.
bool clock_holds(const RedisReply& now, std::uint64_t clock) {
    return now.is_text() && parse_decimal(now.text) == clock;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out.push_back(',');
        out.append(name);
    }
    return out;
}

/// Everything one fill needs from step to step.
struct Filling {
    RedisStore::Impl& store;
    EntryLookup lookup;
    Lease& lease;
    cache::StoredResponse& entry;
    Milliseconds lives{0};
    std::string mark;

    [[nodiscard]] RedisBatchPointer new_batch() const {
        auto batch =
            store.new_batch(steady_now() + store.shared.settings().timeout, RedisWork::store);
        batch->epoch = lease.epoch;
        return batch;
    }
};

/// Whether no tag was purged, softly or not, since the position, as far as this process has heard.
bool none_purged_here(const store::Generations& generations, const std::vector<cache::TagId>& tags,
                      std::uint64_t since) {
    std::vector<std::uint32_t> slots;
    for (const cache::TagId& tag : tags)
        slots.push_back(store::Generations::slot_of_response_tag(tag.name));
    return generations.valid(slots, since) && !generations.soft_purged(slots, since);
}

/// A tag without an id does not tell when it was purged: Redis may have lost the mark of the purge.
/// Where the clock holds none was; else the news tells, once all of it has been heard.
Task<bool> none_purged(Filling& fill, const RedisReply& clock_now) {
    if (clock_holds(clock_now, fill.lease.clock)) co_return true;
    const bool heard = co_await fill.store.hear_all(steady_now() + fill.store.timeout());
    co_return heard&& none_purged_here(fill.store.shared.generations(), fill.entry.response_tags,
                                       fill.lease.sequence);
}

/// Gets or makes the ids of the response tags. A tag is made before the clock is read again (or the
/// news awaited), and a purge moves the clock before it marks its tags: so a purge either shows
/// there, or its mark overwrites the id that was made here.
Task<Tags> settle_response_tags(Filling& fill) {
    const RedisKeys& keys = fill.store.shared.keys();
    std::vector<cache::TagId>& tags = fill.entry.response_tags;
    if (tags.empty()) co_return Tags::current;
    if (fill.lease.clock == 0) co_return Tags::unavailable;
    const RedisBatchPointer look = fill.new_batch();
    for (const cache::TagId& tag : tags) look->commands.add("GET", keys.response_tag(tag.name));
    co_await fill.store.link->async_run(look);
    if (look->status != RedisBatch::Status::ok) co_return Tags::unavailable;
    std::size_t missing = 0;
    Tags state = take_response_tags(look->replies.data(), fill.lease.clock, tags, missing);
    if (state != Tags::current || missing == 0) co_return state;
    const RedisBatchPointer make = fill.new_batch();
    std::vector<cache::TagId> made;
    for (const cache::TagId& tag : tags) {
        if (!tag.id.empty()) continue;
        made.push_back({tag.name, std::to_string(fill.lease.clock) + ":" + random_id()});
        make->commands.add("SET", keys.response_tag(tag.name), made.back().id, "NX", "PX",
                           id_lifetime.count());
    }
    for (const cache::TagId& tag : tags) make->commands.add("GET", keys.response_tag(tag.name));
    make->commands.add("GET", keys.clock());
    co_await fill.store.link->async_run(make);
    if (make->status != RedisBatch::Status::ok) co_return Tags::unavailable;
    state = take_response_tags(make->replies.data() + made.size(), fill.lease.clock, tags, missing);
    bool certain = false;
    if (state == Tags::current && missing == 0)
        certain = co_await none_purged(fill, make->replies.back());
    if (certain) co_return Tags::current;
    // What was made here may hide a purge from others: take it back.
    const RedisBatchPointer undo = fill.new_batch();
    for (const cache::TagId& tag : made)
        undo->commands.add("EVAL", script::delete_if, "1", keys.response_tag(tag.name), tag.id);
    co_await fill.store.link->async_run(undo);
    co_return missing == 0 ? Tags::purged : Tags::unavailable;
}

struct IdKey {
    std::string key;
    std::string_view id;    ///< as filled
    std::string_view hard;  ///< without its soft mark
};

/// The keys of all ids the entry carries.
std::vector<IdKey> id_keys(const Filling& fill) {
    const RedisKeys& keys = fill.store.shared.keys();
    std::vector<IdKey> out;
    for (const cache::TagId& tag : fill.entry.tags) {
        const bool extension = tag.name == extension_name;
        const EntryName& name = fill.lookup.name;
        out.push_back(
            {extension ? keys.extension(name.key.substr(0, name.bare_size)) : keys.tag(tag.name),
             tag.id, hard_part(tag.id)});
    }
    for (const cache::TagId& tag : fill.entry.response_tags)
        out.push_back({keys.response_tag(tag.name), tag.id, hard_part_of_response_tag(tag.id)});
    return out;
}

/// The names of the indexes the key is noted in: the ids without their soft marks.
std::vector<std::string_view> index_ids(const cache::StoredResponse& entry) {
    std::vector<std::string_view> ids;
    for (const cache::TagId& tag : entry.tags) ids.push_back(hard_part(tag.id));
    for (const cache::TagId& tag : entry.response_tags) ids.push_back(index_part(tag.id));
    return ids;
}

/// An entry as it goes out.
struct Encoded {
    std::string value;  ///< the entry, or a large one's stub
    std::string whole;  ///< a large one; else empty
};

Encoded encode(const Filling& fill) {
    const settings::Redis& settings = fill.store.shared.settings();
    Encoded out;
    out.value = store::encode_entry(fill.entry, {settings.compress, settings.compress_above});
    if (out.value.size() <= large_above) return out;
    LargeStub stub{random_id(), 0};
    out.whole = stub.token + out.value;
    stub.bytes = out.whole.size();
    out.value = make_stub(stub, store::encode_entry(fill.entry, {.without_body = true}));
    return out;
}

/// One round trip: prolongs the ids, stores, and notes the key in the indexes. The first `ids`
/// replies are of the prolonging, then comes the fill's.
void add_fill(Filling& fill, RedisCommands& commands, const Encoded& encoded) {
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string_view key = fill.lookup.name.key;
    const auto ids = id_keys(fill);
    const std::int64_t needed = (fill.lives + 60s).count();
    const std::int64_t prolonged = std::max<std::int64_t>(id_lifetime.count(), 2 * needed);
    for (const IdKey& id : ids)
        commands.add("EVAL", script::refresh, "1", id.key, needed, prolonged, id.hard);
    const std::string_view sharing = fill.lookup.name.sharing;
    const std::string plain = field_of("v:", sharing, fill.lookup.host_variant);
    const std::string guard_key = keys.guard(key);
    const bool locked = fill.lease.lock == Lease::Lock::mine;
    commands.add("EVAL", script::fill, "3", keys.entry(key), guard_key,
                 locked ? fill.lease.lock_key : guard_key, fill.lease.guard,
                 locked ? fill.lease.token : std::string(),
                 field_of("v:", sharing, fill.entry.variant), encoded.value,
                 field_of("vary:", sharing, fill.lookup.host_variant), joined(fill.entry.vary),
                 plain, fill.lives.count(), fill.mark, fields_max,
                 field_of("b:", sharing, fill.entry.variant), encoded.whole);
    for (const std::string_view id : index_ids(fill.entry))
        commands.add("EVAL", script::note, "1", keys.index(id), keys.entry(key), index_members_max,
                     needed, prolonged);
}

RedisStore::Filled read_fill(const Filling& fill, const RedisBatch& batch) {
    RedisStore::Filled filled;
    const auto ids = id_keys(fill);
    const RedisReply* reply = batch.replies.data();
    bool current = true;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string_view now = reply++->text;
        current = current && now.starts_with(hard_part(ids[i].id));
    }
    const RedisReply& stored = *reply++;
    if (stored.type != RedisReply::Type::integer) return filled;
    fill.store.shared.reporter().works(RedisWork::store);
    filled.outcome = stored.integer == 1 && current ? FillOutcome::stored : FillOutcome::purged;
    if (stored.integer == 2) filled.outcome = FillOutcome::foreign;
    return filled;
}

/// Reads the mark and all ids after the fill: where they are still those of this fill, Redis tells
/// of the next change, and before there was none. What it tells of the fill itself mostly came
/// before; where it comes later, the memory tier drops the entry, and the next read takes it from
/// Redis.
Task<bool> is_tracked(Filling& fill) {
    const RedisKeys& keys = fill.store.shared.keys();
    const auto ids = id_keys(fill);
    fill.entry.sequence = fill.store.shared.generations().now();
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.add("HGET", keys.entry(fill.lookup.name.key), "larder");
    for (const IdKey& id : ids) batch->commands.add("GET", id.key);
    co_await fill.store.link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok || batch->replies.front().text != fill.mark)
        co_return false;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (batch->replies[i + 1].text != ids[i].id) co_return false;
    co_return true;
}

/// Whether the key holds an entry, and nothing was purged since the lease: then Redis tells of the
/// next change to it, and what was fetched may stay in the memory tier though it is not stored. The
/// mark first: a change after that is told of, and one before it shows in the guard.
Task<bool> is_still_there(Filling& fill) {
    const RedisKeys& keys = fill.store.shared.keys();
    const auto ids = id_keys(fill);
    fill.entry.sequence = fill.store.shared.generations().now();
    const RedisBatchPointer batch = fill.new_batch();
    batch->commands.add("HGET", keys.entry(fill.lookup.name.key), "larder");
    batch->commands.add("GET", keys.guard(fill.lookup.name.key));
    for (const IdKey& id : ids) batch->commands.add("GET", id.key);
    co_await fill.store.link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok || !batch->replies[0].is_text()) co_return false;
    if (!batch->replies[1].is_text() || batch->replies[1].text != fill.lease.guard) co_return false;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (batch->replies[i + 2].text != ids[i].id) co_return false;
    co_return true;
}

Task<void> send_small(Filling& fill, const Encoded& encoded, RedisStore::Filled& filled) {
    const RedisBatchPointer batch = fill.new_batch();
    add_fill(fill, batch->commands, encoded);
    co_await fill.store.link->async_run(batch);
    if (batch->status == RedisBatch::Status::ok) filled = read_fill(fill, *batch);
}

/// A large value goes over the connection for these, and has its time. False: it did not get there
/// in time, or would not.
Task<bool> send_large(Filling& fill, std::shared_ptr<RedisBulk> bulk, const Encoded& encoded,
                      RedisStore::Filled& filled) {
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
    add_fill(fill, batch->commands, encoded);
    batch->bytes_expected = encoded.whole.size();
    batch->deadline = began + time;
    co_await bulk->async_run(batch, std::string());
    const SteadyTime now = steady_now();
    rate.measured(static_cast<std::size_t>(bytes), now - began, now);
    if (batch->status == RedisBatch::Status::ok) filled = read_fill(fill, *batch);
    co_return batch->status == RedisBatch::Status::ok;
}

/// What cannot be written whole is written as a stub alone: then Redis tells of its next change,
/// and the memory tier may have it.
Task<void> send_fill(Filling& fill, RedisStore::Filled& filled) {
    Encoded encoded = encode(fill);
    if (encoded.value.empty()) co_return;
    const std::shared_ptr<RedisBulk> bulk =
        encoded.whole.empty() ? nullptr : fill.store.shared.node().links().bulk();
    if (bulk) {
        const bool sent = co_await send_large(fill, bulk, encoded, filled);
        if (sent) co_return;
        const LargeStub alone{std::string(LargeStub::no_token), encoded.whole.size()};
        encoded.value = make_stub(alone, store::encode_entry(fill.entry, {.without_body = true}));
        encoded.whole.clear();
    }
    co_await send_small(fill, encoded, filled);
}

}  // namespace

Task<bool> RedisStore::tags_current(Lease lease, std::vector<std::string> names,
                                    RedisBudget& budget) {
    if (names.empty()) co_return true;
    if (!impl_->may_read()) co_return false;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    if (wait.spent()) co_return false;
    std::vector<cache::TagId> tags;
    for (const std::string& name : names) tags.push_back({name, {}});
    if (lease.clock == 0) {
        const bool heard = co_await impl_->hear_all(wait.deadline());
        co_return heard&& none_purged_here(impl_->shared.generations(), tags, lease.sequence);
    }
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    batch->commands.add("GET", keys.clock());
    for (const std::string& name : names) batch->commands.add("GET", keys.response_tag(name));
    co_await impl_->link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    std::size_t missing = 0;
    const Tags state = take_response_tags(batch->replies.data() + 1, lease.clock, tags, missing);
    if (state != Tags::current || missing == 0) co_return state == Tags::current;
    if (clock_holds(batch->replies.front(), lease.clock)) co_return true;
    const bool heard = co_await impl_->hear_all(wait.deadline());
    co_return heard&& none_purged_here(impl_->shared.generations(), tags, lease.sequence);
}

Task<RedisStore::Filled> RedisStore::fill(EntryName name, Lease lease,
                                          boost::intrusive_ptr<cache::StoredResponse> entry) {
    Filled filled;
    const SteadyTime started = steady_now();
    Filling fill{*impl_, EntryLookup(name), lease, *entry, Milliseconds(0), random_id()};
    const bool same_tags = lease.tags.size() == name.tags.size() + (fill.lookup.extended() ? 1 : 0);
    const bool may = lease.can_store() && same_tags && impl_->may_read();
    Tags tags = Tags::unavailable;
    if (may) tags = co_await settle_response_tags(fill);
    if (tags != Tags::current) {
        release(lease, false);
        filled.outcome = tags == Tags::purged ? FillOutcome::purged : FillOutcome::unavailable;
        if (!lease.foreign_key.empty()) filled.outcome = FillOutcome::foreign;
        impl_->observed(RedisOperation::fill, started);
        co_return filled;
    }
    const std::int64_t heard_by = impl_->link->tracked_by();
    entry->tags = lease.tags;
    entry->soft_id = lease.soft_id;
    entry->everything = lease.everything;
    // Other threads may be reading the variant already: written only where it differs, which then
    // nobody does.
    std::string variant;
    cache::build_variant(*name.request, entry->vary, name.with_host, variant);
    if (variant != entry->variant) entry->variant = std::move(variant);
    fill.lookup.entry = entry;
    // What Redis tells from here on counts; what it told before, the replies to the fill judge
    // anew.
    fill.lookup.sequence = impl_->shared.generations().now();
    fill.lookup.set_guards();
    fill.lives = time_to_live(*entry, wall_now());
    impl_->shared.history().note_lifetime(fill.lives);
    for (const std::string_view id : index_ids(*entry)) fill.mark.append(",").append(id);
    bool tracked = false;
    if (lease.too_slow && entry->body.size() > large_above) {
        tracked = co_await is_still_there(fill);
        filled.outcome = tracked ? FillOutcome::stored : FillOutcome::unavailable;
        filled.tracked = tracked && heard_by != 0 && heard_by == impl_->link->tracked_by() &&
                         heard_by == impl_->shared.node().subscriber();
        release(lease, false);
        impl_->observed(RedisOperation::fill, started);
        co_return filled;
    }
    co_await send_fill(fill, filled);
    if (filled.outcome == FillOutcome::stored && heard_by != 0) tracked = co_await is_tracked(fill);
    filled.tracked = tracked;
    filled.tracked = filled.tracked && heard_by != 0 && heard_by == impl_->link->tracked_by() &&
                     heard_by == impl_->shared.node().subscriber();
    if (filled.outcome == FillOutcome::unavailable) release(lease, false);
    impl_->observed(RedisOperation::fill, started);
    co_return filled;
}

}  // namespace larder::redis
