#include <algorithm>

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

constexpr std::int64_t fields_max = 128;
constexpr std::int64_t index_members_max = 4'000'000;
// An expired entry that can be validated is kept a little for the 304 it may get.
constexpr Milliseconds kept_for_validation = 60s;
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

std::vector<std::string_view> index_ids(const cache::StoredResponse& entry) {
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

void add_fill(Filling& fill, RedisCommands& commands, const Encoded& encoded) {
    const RedisKeys& keys = fill.store.shared.keys();
    const std::string_view key = fill.lookup.name.key;
    const auto ids = id_keys(fill);
    const std::int64_t needed = (fill.lives + 60s).count();
    const std::int64_t prolonged = std::max<std::int64_t>(id_lifetime.count(), 2 * needed);
    const SteadyTime until = steady_now() + Milliseconds(needed);
    fill.prolonged.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (fill.store.id_lives.lives(ids[i].hard, until)) continue;
        fill.prolonged.push_back(i);
        commands.run(script::refresh, "1", ids[i].key, needed, prolonged, ids[i].hard);
    }
    const std::string_view sharing = fill.lookup.name.sharing;
    const std::string plain = field_of("v:", sharing, fill.lookup.host_variant);
    const std::string guard_key = keys.guard(key);
    const bool locked = fill.lease.lock == Lease::Lock::mine;
    commands.run(script::fill, "3", keys.entry(key), guard_key,
                 locked ? fill.lease.lock_key : guard_key, fill.lease.guard,
                 locked ? fill.lease.token : std::string(),
                 field_of("v:", sharing, fill.entry.variant), encoded.value,
                 field_of("vary:", sharing, fill.lookup.host_variant), joined(fill.entry.vary),
                 plain, fill.lives.count(), fill.mark, fields_max,
                 field_of("b:", sharing, fill.entry.variant), encoded.whole, keys.news());
    for (const std::string_view id : index_ids(fill.entry))
        commands.run(script::note, "1", keys.index(id), keys.entry(key), index_members_max, needed,
                     prolonged);
    for (std::size_t i = 0; fill.looks && i < ids.size(); ++i) commands.add("GET", ids[i].key);
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
    const RedisReply& stored = *reply++;
    if (stored.type != RedisReply::Type::integer) return filled;
    fill.store.shared.reporter().works(RedisWork::store);
    const RedisReply* look = &batch.replies.back() - ids.size() + 1;
    for (std::size_t i = 0; fill.looks && i < ids.size(); ++i)
        current = current && look[i].text.starts_with(ids[i].hard);
    filled.outcome = stored.integer == 1 && current ? FillOutcome::stored : FillOutcome::purged;
    if (stored.integer == 2) filled.outcome = FillOutcome::foreign;
    return filled;
}

}  // namespace larder::redis
