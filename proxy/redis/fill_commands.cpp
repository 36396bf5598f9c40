#include <algorithm>
#include <boost/container/static_vector.hpp>

#include "cache/freshness.hpp"
#include "cache/vary.hpp"
#include "redis/filling.hpp"
#include "redis/ids.hpp"
#include "redis/leasing.hpp"
#include "redis/scripts.hpp"
#include "store/entry_format.hpp"

// The commands of a fill, and what their replies mean.
namespace larder::redis {
namespace {

using namespace std::chrono_literals;

// An expired entry that can be validated is kept a little for the 304 it may get.
constexpr Milliseconds kept_for_validation = 60s;
// What the script of a fill returns, beside 0.
constexpr std::int64_t was_stored = 1;
constexpr std::int64_t not_larders = 2;
constexpr std::int64_t nothing_staged = 3;
constexpr std::int64_t other_guard = 4;
constexpr Milliseconds lifetime_max = std::chrono::hours(24 * 366);

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out.push_back(',');
        out.append(name);
    }
    return out;
}

}  // namespace

Milliseconds time_to_live(const cache::Draft& entry, WallTime now) {
    const cache::Freshness& f = entry.freshness;
    const Milliseconds fresh = std::clamp(cache::time_left(f, now), Milliseconds(0), lifetime_max);
    const Milliseconds stale =
        f.must_revalidate ? Milliseconds(0) : std::max(f.stale_while_revalidate, f.stale_if_error);
    const bool has_validator = !entry.etag.empty() || !entry.last_modified.empty();
    const Milliseconds kept = std::max(std::clamp(stale, Milliseconds(0), lifetime_max),
                                       has_validator ? kept_for_validation : Milliseconds(0));
    return std::max<Milliseconds>(fresh + kept, 1ms);
}

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

std::vector<std::string_view> index_ids(const cache::Draft& entry) {
    std::vector<std::string_view> ids;
    for (const cache::TagId& tag : entry.tags) ids.push_back(hard_part(tag.id));
    for (const cache::TagId& tag : entry.response_tags) ids.push_back(index_part(tag.id));
    return ids;
}

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

namespace {

// The fields that one variant has in an entry's hash: the entry or its stub, a large one as a
// whole, and what the response varies on.
std::string variant_field(const Filling& fill) {
    return field_of("v:", fill.lookup.name.sharing, fill.entry.variant);
}
std::string whole_field(const Filling& fill) {
    return field_of("b:", fill.lookup.name.sharing, fill.entry.variant);
}
std::string vary_field(const Filling& fill) {
    return field_of("vary:", fill.lookup.name.sharing, fill.lookup.host_variant);
}

/// The hash that the entry is to be, under a name of its own.
void add_stage(Filling& fill, RedisCommands& commands, const Encoded& encoded) {
    const std::string variant = variant_field(fill);
    boost::container::static_vector<std::string_view, 12> fields{mark_field, fill.mark, variant,
                                                                 encoded.value};
    std::string guard;
    if (!fill.moves_guard) guard = hex_of(fill.entry.fill_guard);
    if (!fill.moves_guard) fields.insert(fields.end(), {guard_field, guard});
    std::string whole;
    if (!encoded.whole.empty()) whole = whole_field(fill);
    if (!encoded.whole.empty()) fields.insert(fields.end(), {whole, encoded.whole});
    std::string vary;
    const std::string vary_names = joined(fill.entry.vary);
    if (!vary_names.empty()) vary = vary_field(fill);
    if (!vary_names.empty()) fields.insert(fields.end(), {vary, vary_names});
    // The key may be gone since the lease. The entry names its soft mark all the same.
    const std::string& soft = fill.lease.soft_id;
    if (!soft.empty()) fields.insert(fields.end(), {soft_field, soft});
    fill.set_reply = commands.count();
    commands.begin("HSET", 1 + fields.size());
    commands.argument(fill.stage);
    for (const std::string_view field : fields) commands.argument(field);
    commands.add("PEXPIRE", fill.stage, fill.lives.count());
}

/// What an older entry may have, and must go.
std::string gone_lines(const Filling& fill, const Encoded& encoded) {
    std::string lines;
    const auto add = [&](std::string_view field) { lines.append(field).append("\n"); };
    if (encoded.whole.empty()) add(whole_field(fill));
    if (fill.entry.vary.empty()) {
        add(vary_field(fill));
        return lines;
    }
    // The fields of a response that does not vary.
    const EntryLookup& lookup = fill.lookup;
    const std::string plain = field_of("v:", lookup.name.sharing, lookup.host_variant);
    if (plain == variant_field(fill)) return lines;
    add(plain);
    add(field_of("b:", lookup.name.sharing, lookup.host_variant));
    return lines;
}

/// The script that moves the entry from its stage.
void add_move(Filling& fill, RedisCommands& commands, std::string_view gone, Carrier carrier) {
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string_view key = fill.lookup.name.key;
    const std::string& guard_key = fill.lease.guard_key;
    const bool locked = fill.lease.lock == Lease::Lock::mine;
    const bool unnoticed = fill.store.can_look_unnoticed(key);
    // Redis is not to tell of the guard's end.
    if (carrier == Carrier::link && fill.store.can_leave_untracked()) add_untracked(commands);
    fill.stored_reply = commands.count();
    fill.scripted = true;
    commands.run(script::fill, "4", fill.lookup.entry_key, guard_key,
                 locked ? fill.lease.lock_key : guard_key, fill.stage, fill.lease.guard,
                 locked ? std::string_view(fill.lease.token) : std::string_view(), keys.news(),
                 gone, unnoticed ? "GETEX" : "GET", fill.lives.count(), fill.lease.soft_id,
                 guard_lifetime.count(), lock_lifetime.count());
}

/// Whether the fill can do without a script. Not for a fetch that is known to have come before a
/// purge: the hash that it would write into may be of another fetch by now, whose guard it would
/// move away.
bool can_move_guard(const Filling& fill, Carrier carrier) {
    if (!fill.lease.made_guard || fill.own_stage || carrier != Carrier::link) return false;
    if (!fill.store.can_look_unnoticed(fill.lookup.name.key)) return false;
    const store::Generations& known = fill.store.shared.generations();
    const std::uint64_t since = fill.lease.sequence;
    return known.valid(fill.entry.guards, since) && known.may_store(since) &&
           !known.soft_purged(fill.entry.guards, since);
}

/// Moves the entry from its guard.
void add_plain_move(Filling& fill, RedisCommands& commands) {
    fill.stored_reply = commands.count();
    fill.scripted = false;
    commands.add("RENAMENX", fill.stage, fill.lookup.entry_key);
}

}  // namespace

void add_fill(Filling& fill, RedisCommands& commands, const Encoded& encoded, Carrier carrier) {
    const auto& ids = fill.ids;
    const auto [needed, prolonged] = bookkeeping_lives(fill.lives);
    const SteadyTime until = steady_now() + needed;
    fill.prolonged.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (fill.store.id_lives.holds(ids[i].hard, until)) continue;
        fill.prolonged.push_back(i);
        commands.run(script::refresh, "1", ids[i].key, needed.count(), prolonged.count(),
                     ids[i].hard);
    }
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string_view key = fill.lookup.name.key;
    fill.moves_guard = can_move_guard(fill, carrier);
    fill.stage = fill.moves_guard ? fill.lease.guard_key : keys.stage(key, fill.name());
    // A large fill that was given up may still run there, so it has a stage of its own.
    if (carrier == Carrier::bulk) fill.stage.append(":large");
    add_stage(fill, commands, encoded);
    if (fill.moves_guard) add_plain_move(fill, commands);
    if (!fill.moves_guard) add_move(fill, commands, gone_lines(fill, encoded), carrier);
    fill.look_reply = commands.count();
    if (fill.look != Filling::Look::afterwards) add_look(fill, commands);
}

bool needs_merge(const Filling& fill, const RedisBatch& batch) {
    const RedisReply& moved = batch.replies[fill.stored_reply];
    const bool stands = moved.type == RedisReply::Type::integer && moved.integer == 0;
    const bool is_set = !batch.replies[fill.set_reply].is_error();
    return !fill.scripted && is_set && (stands || moved.is_error("NOPERM"));
}

void add_merge(Filling& fill, RedisCommands& commands, const Encoded& encoded) {
    fill.prolonged.clear();
    add_move(fill, commands, gone_lines(fill, encoded), Carrier::link);
    fill.look_reply = commands.count();
    if (fill.look != Filling::Look::afterwards) add_look(fill, commands);
}

void add_look(Filling& fill, RedisCommands& commands) {
    const RedisKeys& keys = fill.store.shared.keys();
    if (fill.looks_at_entry())
        commands.add("HMGET", fill.lookup.entry_key, mark_field, soft_field, guard_field,
                     lock_field);
    for (const IdKey& id : fill.ids) commands.add("GET", id.key);
    fill.asks_everything = fill.looks_at_entry() && !fill.store.shared.node().knows_everything_id();
    if (fill.asks_everything) commands.add("GET", keys.everything(fill.lookup.entry_key));
}

Looked read_look(const Filling& fill, const RedisReply* replies) {
    Looked looked;
    if (fill.looks_at_entry()) {
        const std::vector<RedisReply>& fields = replies++->items;
        const bool is_hash = fields.size() == 4;
        const bool is_own = is_hash && fields[0].text == fill.mark;
        const bool in_time = is_hash && parse_id(fields[2].text) == fill.entry.fill_guard;
        looked.same = is_own && in_time && fields[1].text == fill.entry.soft_id;
        looked.current = in_time || !fill.moves_guard;
        // Beside the guard of another fetch it does no harm, and that one merges with it.
        looked.late = is_own && fields[2].text.empty();
        const bool has_lock = is_hash && fields[3].text.starts_with(fill.lease.guard);
        looked.watched = !has_lock || fields[3].text.ends_with(watched_mark);
    }
    for (const IdKey& id : fill.ids) {
        const std::string& current = replies++->text;
        looked.same = looked.same && current == id.id;
        looked.current = looked.current && current.starts_with(id.hard);
    }
    const std::uint64_t everything = fill.asks_everything
                                         ? parse_id(replies->text).value_or(0)
                                         : fill.store.shared.node().everything_id();
    looked.same = looked.same && everything == fill.entry.everything;
    return looked;
}

namespace {

/// What the fill's own reply says; nothing: it did not come to that.
std::optional<FillOutcome> read_stored(const Filling& fill, const RedisBatch& batch) {
    const RedisReply& reply = batch.replies[fill.stored_reply];
    if (!fill.scripted) {
        if (batch.replies[fill.set_reply].is_error() || !fill.is_decided(batch))
            return std::nullopt;
        return reply.integer == was_stored ? FillOutcome::stored : FillOutcome::purged;
    }
    if (reply.type != RedisReply::Type::integer || reply.integer == nothing_staged ||
        reply.integer == other_guard)
        return std::nullopt;
    if (reply.integer == not_larders) return FillOutcome::foreign;
    return reply.integer == was_stored ? FillOutcome::stored : FillOutcome::purged;
}

}  // namespace

RedisStore::Filled read_fill(Filling& fill, const RedisBatch& batch) {
    RedisStore::Filled filled;
    const auto& ids = fill.ids;
    const RedisReply* reply = batch.replies.data();
    bool current = true;
    for (const std::size_t i : fill.prolonged) {
        const RedisReply& answer = *reply++;
        const bool is_there =
            answer.items.size() == 2 && answer.items[0].text.starts_with(ids[i].hard);
        current = current && is_there;
        if (is_there && answer.items[1].integer > 0)
            fill.store.id_lives.note(ids[i].hard,
                                     steady_now() + Milliseconds(answer.items[1].integer));
    }
    const std::optional<FillOutcome> stored = read_stored(fill, batch);
    const RedisReply& decision = batch.replies[fill.stored_reply];
    fill.other_guard = fill.scripted && decision.integer == other_guard;
    if (!stored) return filled;
    fill.gave_back = fill.scripted;
    fill.put = *stored == FillOutcome::stored;
    fill.store.shared.reporter().works(RedisWork::store);
    Looked looked;
    if (fill.look != Filling::Look::afterwards)
        looked = read_look(fill, batch.replies.data() + fill.look_reply);
    current = current && looked.current;
    filled.tracked = looked.same && fill.look == Filling::Look::at_all;
    filled.outcome = *stored == FillOutcome::stored && !current ? FillOutcome::purged : *stored;
    fill.late = looked.late;
    fill.watched = looked.watched;
    return filled;
}

}  // namespace larder::redis
