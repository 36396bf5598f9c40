#include <algorithm>

#include "base/text.hpp"
#include "redis/ids.hpp"
#include "redis/large.hpp"
#include "redis/store_impl.hpp"
#include "store/entry_format.hpp"

// What Redis holds, for people who look at it. Nothing here waits within a request's budget: each
// round trip has redis.timeout for itself.
namespace larder::redis {
namespace {

constexpr std::string_view keys_per_step = "500";

// How far a walk over all keys has come.
struct ListPlace {
    std::size_t lane = 0;  // in RedisFleet::in_use
    std::string cursor = "0";
};

std::string to_text(const ListPlace& place) {
    return std::to_string(place.lane) + '.' + place.cursor;
}

ListPlace place_of(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == text.npos) return {};
    const auto lane = parse_decimal(text.substr(0, dot));
    return {static_cast<std::size_t>(lane.value_or(0)), std::string(text.substr(dot + 1))};
}

// A variant as it was read, before it is known whether a purge has ended it.
struct Candidate {
    std::size_t key = 0;                      // index of its key
    std::optional<cache::StoredParts> entry;  // views into the reply
    std::string soft_id;                      // the key's soft mark now
    std::uint64_t bytes = 0;
    bool body_absent = false;
};

std::string_view bare_key(std::string_view key) { return key.substr(0, key.find('?')); }

void ask_fields(RedisCommands& commands, const std::string& redis_key, const RedisReply& names) {
    std::vector<std::string_view> fields{soft_field, guard_field};
    for (const RedisReply& field : names.items)
        if (field.text.starts_with("v:")) fields.push_back(field.text);
    commands.begin(2 + fields.size());
    commands.argument("HMGET");
    commands.argument(redis_key);
    for (const std::string_view field : fields) commands.argument(field);
}

void read_fields(const RedisReply& values, std::size_t key, std::vector<Candidate>& out) {
    for (std::size_t i = 2; i < values.items.size(); ++i) {
        std::string_view encoded = values.items[i].text;
        const auto stub = read_stub(encoded, encoded);
        Candidate candidate;
        candidate.key = key;
        candidate.entry = store::decode_entry(encoded);
        if (!candidate.entry) continue;  // somebody else's, or of another version
        if (candidate.entry->fill_guard != parse_id(values.items[1].text)) continue;
        candidate.soft_id = values.items[0].text;
        candidate.bytes = stub ? stub->bytes : candidate.entry->body.size();
        candidate.body_absent = stub.has_value();
        out.push_back(std::move(candidate));
    }
}

void ask_ids(RedisCommands& commands, const RedisKeys& keys, std::string_view key,
             const cache::StoredParts& entry) {
    for (const cache::TagView tag : entry.tags())
        commands.add(
            "GET", tag.name == extension_name ? keys.extension(bare_key(key)) : keys.tag(tag.name));
    for (const cache::TagView tag : entry.response_tags())
        commands.add("GET", keys.response_tag(tag.name));
}

// Reads the replies to ask_ids. False: a purge has ended the entry. `soft`: as Found::soft_purged.
bool has_valid_ids(const cache::StoredParts& entry, const RedisReply*& reply, bool& soft) {
    bool valid = true;
    for (const cache::TagView tag : entry.tags()) {
        const std::string& current = reply++->text;
        valid = valid && hard_part(current) == hard_part(tag.id);
        soft |= current != tag.id;
    }
    for (const cache::TagView tag : entry.response_tags()) {
        const std::string& current = reply++->text;
        valid = valid && hard_part_of_response_tag(current) == hard_part_of_response_tag(tag.id);
        soft |= current != tag.id;
    }
    return valid;
}

}  // namespace

Task<KeyPage> RedisStore::list_keys(std::string from, std::string prefix) {
    KeyPage page;
    page.state = RedisState::down;
    if (!impl_->in_cluster() && !impl_->may_read({})) co_return page;
    const std::vector<int> lanes = impl_->shared.fleet().in_use();
    ListPlace place = place_of(from);
    if (place.lane >= lanes.size()) co_return page;
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch =
        impl_->new_batch(steady_now() + impl_->timeout(), RedisWork::other);
    const std::string match = escape_glob(keys.prefix() + prefix, "*");
    batch->commands.add("SCAN", place.cursor, "MATCH", match, "COUNT", keys_per_step, "TYPE",
                        "hash");
    co_await run_on_lane(impl_->way(), lanes[place.lane], batch);
    page.state = to_state(batch->status);
    if (page.state != RedisState::ok) co_return page;
    const RedisReply& reply = batch->replies.front();
    if (reply.items.size() != 2) {
        page.state = RedisState::down;
        co_return page;
    }
    place.cursor = reply.items[0].text;
    if (place.cursor == "0") ++place.lane;
    if (place.lane < lanes.size()) page.next = to_text(place);
    for (const RedisReply& key : reply.items[1].items)
        if (keys.name_of(key.text).kind == RedisKeys::Kind::entry)
            page.keys.emplace_back(keys.name_of(key.text).name);
    co_return page;
}

Task<Listing> RedisStore::list_entries(std::vector<std::string> names) {
    Listing listing;
    listing.state = RedisState::down;
    listing.entries.resize(names.size());
    if (names.empty()) listing.state = RedisState::ok;
    if (names.empty() || (!impl_->in_cluster() && !impl_->may_read({}))) co_return listing;
    const RedisKeys& keys = impl_->shared.keys();

    RedisBatchPointer batch = impl_->new_batch(steady_now() + impl_->timeout(), RedisWork::other);
    for (const std::string& name : names) batch->commands.add("HKEYS", keys.entry(name));
    co_await impl_->run(batch);
    listing.state = to_state(batch->status);
    if (listing.state != RedisState::ok) co_return listing;
    const std::vector<RedisReply> fields = std::move(batch->replies);

    batch = impl_->new_batch(steady_now() + impl_->timeout(), RedisWork::other);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string entry_key = keys.entry(names[i]);
        ask_fields(batch->commands, entry_key, fields[i]);
        batch->commands.add("GET", keys.everything(entry_key));
    }
    co_await impl_->run(batch);
    listing.state = to_state(batch->status);
    if (listing.state != RedisState::ok) co_return listing;
    std::vector<Candidate> candidates;
    std::vector<std::uint64_t> everything;  // by key
    for (std::size_t i = 0; i < names.size(); ++i) {
        read_fields(batch->replies[2 * i], i, candidates);
        everything.push_back(parse_id(batch->replies[2 * i + 1].text).value_or(0));
    }

    const RedisBatchPointer entry_bytes = batch;
    batch = impl_->new_batch(steady_now() + impl_->timeout(), RedisWork::other);
    for (const Candidate& candidate : candidates)
        ask_ids(batch->commands, keys, names[candidate.key], *candidate.entry);
    if (batch->commands.count() > 0) {
        co_await impl_->run(batch);
        listing.state = to_state(batch->status);
        if (listing.state != RedisState::ok) co_return listing;
    }
    const RedisReply* reply = batch->replies.data();
    for (Candidate& candidate : candidates) {
        bool soft = candidate.soft_id != candidate.entry->soft_id;
        const bool valid = has_valid_ids(*candidate.entry, reply, soft);
        if (!valid || candidate.entry->everything != everything[candidate.key]) continue;
        listing.entries[candidate.key].push_back(
            {cache::make_stored(*candidate.entry), candidate.bytes, soft, candidate.body_absent});
    }
    co_return listing;
}

}  // namespace larder::redis
