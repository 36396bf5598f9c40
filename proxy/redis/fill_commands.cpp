#include <algorithm>
#include <boost/container/static_vector.hpp>

#include "cache/freshness.hpp"
#include "cache/vary.hpp"
#include "redis/filling.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"
#include "store/entry_format.hpp"

// The commands of a fill, and what their replies mean.
namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t index_members_max = 4'000'000;
constexpr Milliseconds index_looked_at_every = 1s;
constexpr Milliseconds slack = 60s;  // bookkeeping outlives its entry by this
// An expired entry that can be validated is kept a little for the 304 it may get.
constexpr Milliseconds kept_for_validation = 60s;
// What the script of a fill returns, beside 0.
constexpr std::int64_t was_stored = 1;
constexpr std::int64_t not_larders = 2;
constexpr std::int64_t nothing_staged = 3;
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

/// Where the script of the fill notes the key, and for how long.
struct Indexes {
    std::vector<std::string> keys;
    Milliseconds needed;
    Milliseconds prolonged;
};

/// The indexes that the fill's own script may add to. A script for each of the others: in a
/// cluster, because they stand elsewhere; and once a second to see how many keys are there.
Indexes add_notes(Filling& fill, RedisCommands& commands, Milliseconds needed,
                  Milliseconds prolonged) {
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string entry = keys.entry(fill.lookup.name.key);
    const std::vector<std::string_view> ids = index_ids(fill.entry);
    const SteadyTime now = steady_now();
    Indexes indexes{{}, needed, prolonged};
    fill.noted.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::string index = keys.index(ids[i]);
        if (!fill.store.in_cluster() && fill.store.index_rooms.holds(ids[i], now)) {
            indexes.keys.push_back(std::move(index));
            continue;
        }
        fill.noted.push_back({i, commands.count()});
        commands.run(script::note, "1", index, entry, index_members_max, needed.count(),
                     prolonged.count());
    }
    return indexes;
}

/// The names of the fields of an entry's hash that a fill sets, or ends.
struct FieldNames {
    explicit FieldNames(const Filling& fill) {
        const std::string_view sharing = fill.lookup.name.sharing;
        variant = field_of("v:", sharing, fill.entry.variant);
        whole = field_of("b:", sharing, fill.entry.variant);
        vary = field_of("vary:", sharing, fill.lookup.host_variant);
    }
    std::string variant;
    std::string whole;
    std::string vary;
};

/// The hash that the entry is to be, under a name of its own.
void add_stage(const Filling& fill, RedisCommands& commands, const Encoded& encoded,
               const FieldNames& names) {
    const std::string vary_names = joined(fill.entry.vary);
    boost::container::static_vector<std::string_view, 10> fields{"larder", fill.mark, names.variant,
                                                                 encoded.value};
    if (!encoded.whole.empty()) fields.insert(fields.end(), {names.whole, encoded.whole});
    if (!vary_names.empty()) fields.insert(fields.end(), {names.vary, vary_names});
    // The key may be gone since the lease. The entry names its soft mark all the same.
    const std::string& soft = fill.lease.soft_id;
    if (!soft.empty()) fields.insert(fields.end(), {"soft", soft});
    commands.begin("HSET", 1 + fields.size());
    commands.argument(fill.stage);
    for (const std::string_view field : fields) commands.argument(field);
    commands.add("PEXPIRE", fill.stage, fill.lives.count());
}

/// What an older entry may have, and must go.
std::string gone_lines(const Filling& fill, const Encoded& encoded, const FieldNames& names) {
    std::string lines;
    const auto add = [&](std::string_view field) { lines.append(field).append("\n"); };
    if (encoded.whole.empty()) add(names.whole);
    if (fill.entry.vary.empty()) {
        add(names.vary);
        return lines;
    }
    // The fields of a response that does not vary.
    const EntryLookup& lookup = fill.lookup;
    const std::string plain = field_of("v:", lookup.name.sharing, lookup.host_variant);
    if (plain == names.variant) return lines;
    add(plain);
    add(field_of("b:", lookup.name.sharing, lookup.host_variant));
    return lines;
}

/// The script that moves the entry from its stage.
void add_move(Filling& fill, RedisCommands& commands, std::string_view gone, const Indexes& indexes,
              Carrier carrier) {
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string_view key = fill.lookup.name.key;
    const std::string guard_key = keys.guard(key);
    const bool locked = fill.lease.lock == Lease::Lock::mine;
    const bool unnoticed = fill.store.can_look_unnoticed(key);
    // The script reads how long each index lives.
    const bool reads = !unnoticed || !indexes.keys.empty();
    if (reads && carrier == Carrier::link && fill.store.can_leave_untracked())
        add_untracked(commands);
    fill.stored_reply = commands.count();
    commands.begin_script(script::fill, 12 + indexes.keys.size());
    commands.argument(static_cast<std::int64_t>(4 + indexes.keys.size()));
    commands.argument(keys.entry(key));
    commands.argument(guard_key);
    commands.argument(locked ? fill.lease.lock_key : guard_key);
    commands.argument(fill.stage);
    for (const std::string& index : indexes.keys) commands.argument(index);
    commands.argument(fill.lease.guard);
    commands.argument(locked ? std::string_view(fill.lease.token) : std::string_view());
    commands.argument(keys.news());
    commands.argument(gone);
    commands.argument(indexes.needed.count());
    commands.argument(indexes.prolonged.count());
    commands.argument(unnoticed ? "GETEX" : "GET");
}

}  // namespace

void add_fill(Filling& fill, RedisCommands& commands, const Encoded& encoded, Carrier carrier) {
    const auto ids = id_keys(fill);
    const Milliseconds needed = fill.lives + slack;
    const Milliseconds prolonged = std::max<Milliseconds>(id_lifetime, 2 * needed);
    const SteadyTime until = steady_now() + needed;
    fill.prolonged.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (fill.store.id_lives.holds(ids[i].hard, until)) continue;
        fill.prolonged.push_back(i);
        commands.run(script::refresh, "1", ids[i].key, needed.count(), prolonged.count(),
                     ids[i].hard);
    }
    const Indexes indexes = add_notes(fill, commands, needed, prolonged);
    const FieldNames names(fill);
    fill.stage = fill.store.shared.keys().stage(fill.lookup.name.key,
                                                fill.mark.substr(0, fill.mark.find(',')));
    // A large fill that was given up may still run there, so it has a stage of its own.
    if (carrier == Carrier::bulk) fill.stage.append(":large");
    add_stage(fill, commands, encoded, names);
    add_move(fill, commands, gone_lines(fill, encoded, names), indexes, carrier);
    if (fill.look != Filling::Look::afterwards) add_look(fill, commands, ids);
}

void add_look(Filling& fill, RedisCommands& commands, std::span<const IdKey> ids) {
    const RedisKeys& keys = fill.store.shared.keys();
    if (fill.look != Filling::Look::at_ids)
        commands.add("HMGET", keys.entry(fill.lookup.name.key), "larder", "soft");
    for (const IdKey& id : ids) commands.add("GET", id.key);
    fill.asks_everything =
        fill.look != Filling::Look::at_ids && !fill.store.shared.node().knows_everything_id();
    if (fill.asks_everything) commands.add("GET", fill.lookup.everything_key(keys));
}

Looked read_look(const Filling& fill, const RedisReply* replies, std::span<const IdKey> ids) {
    Looked looked;
    if (fill.look != Filling::Look::at_ids) {
        const std::vector<RedisReply>& fields = replies++->items;
        looked.same = fields.size() == 2 && fields[0].text == fill.mark &&
                      fields[1].text == fill.entry.soft_id;
    }
    for (const IdKey& id : ids) {
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

RedisStore::Filled read_fill(Filling& fill, const RedisBatch& batch) {
    RedisStore::Filled filled;
    const auto ids = id_keys(fill);
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
    const RedisReply& stored = batch.replies[fill.stored_reply];
    const bool ran = stored.type == RedisReply::Type::integer && stored.integer != nothing_staged;
    if (!ran) return filled;
    fill.store.shared.reporter().works(RedisWork::store);
    const std::vector<std::string_view> indexes = index_ids(fill.entry);
    for (const Filling::Noted& noted : fill.noted)
        if (batch.replies[noted.reply].integer == 1)
            fill.store.index_rooms.note(indexes[noted.id], steady_now() + index_looked_at_every);
    Looked looked;
    if (fill.look != Filling::Look::afterwards)
        looked = read_look(fill, batch.replies.data() + fill.stored_reply + 1, ids);
    current = current && looked.current;
    filled.tracked = looked.same && fill.look == Filling::Look::at_all;
    const bool is_stored = stored.integer == was_stored && current;
    filled.outcome = is_stored ? FillOutcome::stored : FillOutcome::purged;
    if (stored.integer == not_larders) filled.outcome = FillOutcome::foreign;
    return filled;
}

}  // namespace larder::redis
