#include <algorithm>

#include "cache/freshness.hpp"
#include "cache/vary.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"
#include "redis/store_impl.hpp"
#include "store/entry_format.hpp"

// A read: the entry's hash field and the ids that must be current, in one round trip; a second one
// where the response varies, and one for response tags where it has any.
namespace larder::redis {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t vary_names_max = 64;
// Where nobody would tell of the end of another's fetch.
constexpr Milliseconds first_poll = 4ms;
constexpr Milliseconds longest_poll = 25ms;
// Where somebody would: in case the other one died.
constexpr Milliseconds look_anyway = 5s;
// How soon a request that waits sees that Redis is gone. It asks Redis for nothing.
constexpr Milliseconds look_at_redis_every = 20ms;

std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty() && names.size() < vary_names_max) {
        const std::size_t end = text.find(',');
        names.emplace_back(text.substr(0, end));
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    return names;
}

}  // namespace

std::string field_of(std::string_view kind, std::string_view sharing, std::string_view variant) {
    std::string field;
    field.reserve(kind.size() + sharing.size() + variant.size());
    field.append(kind).append(sharing).append(variant);
    return field;
}

std::string lock_part(const EntryName& name, std::string_view host_variant) {
    std::string part(host_variant);
    part.append(name.sharing);
    if (!name.variant.empty()) part.append("|").append(name.variant);
    return part;
}

EntryLookup::EntryLookup(const EntryName& name_in, const RedisKeys& keys)
    : name(name_in), entry_key(keys.entry(name.key)) {
    id_keys.reserve(name.tags.size() + (extended() ? 1 : 0));
    for (const std::string& tag : name.tags) id_keys.push_back(keys.tag(tag));
    if (extended()) id_keys.push_back(keys.extension(name.key.substr(0, name.bare_size)));
    host_variant = cache::target_variant(*name.request, name.with_host);
}

void EntryLookup::ask(RedisCommands& commands, const RedisKeys& keys, bool with_vary) {
    first_reply = commands.count();
    const RedisCommands::Pieces field{"v:", name.sharing, variant()};
    const RedisCommands::Pieces vary_field{"vary:", name.sharing, host_variant};
    if (with_vary) commands.add("HMGET", entry_key, field, soft_field, guard_field, vary_field);
    if (!with_vary) commands.add("HMGET", entry_key, field, soft_field, guard_field);
    for (const std::string& id_key : id_keys) commands.add("GET", id_key);
    if (everything == 0) commands.add("GET", keys.everything(entry_key));
}

bool EntryLookup::read(const RedisBatchPointer& batch, bool with_vary) {
    entry.reset();
    entry_bytes = batch;
    large = false;
    const RedisReply& fields = batch->replies[first_reply];
    read_ids(&batch->replies[first_reply + 1]);
    if (fields.items.size() != (with_vary ? 4u : 3u))
        return false;  // another kind of key stands there
    const auto is_nil = [](const RedisReply& field) { return field.is_nil(); };
    key_absent = with_vary && std::all_of(fields.items.begin(), fields.items.end(), is_nil);
    if (with_vary && fields.items[3].is_text() && !fields.items[3].text.empty()) {
        vary = split_names(fields.items[3].text);
        cache::build_variant(*name.request, vary, name.with_host, vary_variant);
        return true;
    }
    if (!fields.items[0].is_text()) return false;
    std::string_view encoded = fields.items[0].text;
    const auto found_stub = read_stub(encoded, encoded);
    large = found_stub.has_value();
    if (large) stub = *found_stub;
    entry = store::decode_entry(encoded);
    if (!entry) return false;
    const bool came_in_time = entry->fill_guard == parse_id(fields.items[2].text);
    if (!came_in_time || entry->variant != variant() || !(entry->vary() == vary)) {
        entry.reset();
        return false;
    }
    soft_purged = fields.items[1].text != entry->soft_id;
    check_ids();
    return false;
}

void EntryLookup::read_ids(const RedisReply* replies) {
    ids.clear();
    const std::size_t count = id_count();
    // Somebody else's value is none: a purge would leave it alone.
    for (std::size_t i = 0; i < count; ++i) {
        const bool own = replies[i].is_text() && is_own_id(replies[i].text);
        ids.push_back(own ? replies[i].text : std::string());
    }
    if (everything == 0 && replies[count].is_text())
        everything = parse_id(replies[count].text).value_or(0);
}

/// The entry must carry every name it is asked for under, with the id that is current.
void EntryLookup::check_ids() {
    const auto check = [&](std::string_view wanted, const std::string& current) {
        for (const cache::TagView tag : entry->tags()) {
            if (tag.name != wanted) continue;
            if (current.empty() || hard_part(current) != hard_part(tag.id)) return false;
            soft_purged |= current != tag.id;
            return true;
        }
        return false;
    };
    bool valid = everything != 0 && entry->everything == everything;
    for (std::size_t i = 0; i < name.tags.size(); ++i) valid = valid && check(name.tags[i], ids[i]);
    if (extended()) valid = valid && check(extension_name, ids.back());
    // Under another template the key extended one that is not known here.
    const cache::TagList tags = entry->tags();
    const auto of_extension = [](const cache::TagView& tag) { return tag.name == extension_name; };
    if (!extended()) valid = valid && std::none_of(tags.begin(), tags.end(), of_extension);
    if (!valid) entry.reset();
}

bool EntryLookup::is_asked(const cache::TagView& tag) const {
    if (tag.name == extension_name)
        return true;  // of the same key: check_ids has looked at it, if it is one
    return std::find(name.tags.begin(), name.tags.end(), tag.name) != name.tags.end();
}

bool EntryLookup::has_more() const {
    if (!entry) return false;
    const cache::TagList tags = entry->tags();
    return !entry->response_tags().empty() ||
           std::distance(tags.begin(), tags.end()) > std::ssize(ids);
}

// An instance with other purge rules gave the entry further tags: it must be valid under these too,
// for that instance's writes purge by them.
void EntryLookup::ask_more(RedisCommands& commands, const RedisKeys& keys) const {
    for (const cache::TagView tag : entry->tags())
        if (!is_asked(tag)) commands.add("GET", keys.tag(tag.name));
    for (const cache::TagView tag : entry->response_tags())
        commands.add("GET", keys.response_tag(tag.name));
}

void EntryLookup::read_more(const RedisBatch& batch) {
    const RedisReply* reply = batch.replies.data();
    bool valid = true;
    for (const cache::TagView tag : entry->tags()) {
        if (is_asked(tag)) continue;
        const std::string& current = reply++->text;
        valid = valid && hard_part(current) == hard_part(tag.id);
        soft_purged |= current != tag.id;
    }
    for (const cache::TagView tag : entry->response_tags()) {
        const std::string& current = reply++->text;
        valid = valid && hard_part_of_response_tag(current) == hard_part_of_response_tag(tag.id);
        soft_purged |= current != tag.id;
    }
    if (!valid) entry.reset();
}

void EntryLookup::set_guards() {
    guards = store::guard_slots(name.key, name.bare_size, name.tags);
    for (const cache::TagView tag : entry->tags())
        if (!is_asked(tag)) guards.push_back(store::Generations::slot_of_tag(tag.name));
    for (const cache::TagView tag : entry->response_tags())
        guards.push_back(store::Generations::slot_of_response_tag(tag.name));
    entry->key = name.key;
    entry->sequence = sequence;
    entry->guards = guards;
}

std::string EntryLookup::digest() const { return digest_of_ids(everything, ids); }

KnownIds EntryLookup::known_ids() const {
    KnownIds known;
    known.key_absent = key_absent;
    const bool held =
        std::any_of(ids.begin(), ids.end(), [](const std::string& id) { return is_held(id); });
    if (held) return known;
    known.digest = digest();
    known.ids = ids;
    known.everything = everything;
    return known;
}

std::string digest_of_ids(std::uint64_t everything, const std::vector<std::string>& ids) {
    if (everything == 0) return {};
    constexpr std::size_t id_bytes = 34;  // two halves of 16 digits, and what parts them
    std::string text;
    text.reserve((ids.size() + 1) * id_bytes);
    text.append(std::to_string(everything));
    for (const std::string& id : ids) {
        if (id.empty()) return {};
        text.append(" ").append(hard_part(id));
    }
    return digest_of(text);
}

// The request has other things to ask of Redis, should this not come: half of the time is for them.
Task<bool> RedisStore::Impl::read_large(EntryLookup& lookup, SteadyTime deadline) {
    const SteadyTime now = steady_now();
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - now);
    const Milliseconds time = std::min(timeout() / 2, left);
    const std::shared_ptr<RedisBulk> bulk = node_of(lookup.name.key).links().bulk();
    const std::size_t backlog = bulk ? bulk->backlog() : 0;
    const std::string variant(lookup.entry->variant);
    lookup.entry.reset();
    if (lookup.stub.is_alone() || time <= Milliseconds(0) ||
        !shared.bulk_rate().may_ask(lookup.stub.bytes + backlog, time, now))
        co_return false;
    const RedisBatchPointer batch = new_batch(now + time, RedisWork::read);
    batch->bytes_expected = lookup.stub.bytes;
    batch->commands.add("HGET", lookup.entry_key,
                        field_of("b:", lookup.name.sharing, lookup.variant()));
    std::string sharing = lookup.entry_key + " " + lookup.stub.token;
    if (bulk) co_await bulk->async_run(batch, std::move(sharing));
    if (!bulk) co_await run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const std::string_view whole = batch->replies.front().text;
    if (!whole.starts_with(lookup.stub.token))
        co_return true;  // it was replaced, or purged, meanwhile
    lookup.entry = store::decode_entry(whole.substr(lookup.stub.token.size()));
    lookup.entry_bytes = batch;
    if (lookup.entry && lookup.entry->variant != variant) lookup.entry.reset();
    co_return true;
}

Task<Found> RedisStore::find(EntryName name, RedisBudget& budget) {
    Found found;
    found.state = RedisState::down;
    if (!impl_->may_read(name.key)) co_return found;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    found.state = RedisState::timeout;
    if (wait.spent()) co_return found;
    EntryLookup lookup(name, impl_->shared.keys());
    if (name.for_memory) lookup.sequence = impl_->sequence();
    lookup.everything = impl_->shared.node().everything_id();
    RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    lookup.ask(batch->commands, impl_->shared.keys(), true);
    // Most reads end here, so the link to a single server is asked without a coroutine in between.
    RedisLink* const link = impl_->link.get();
    if (link) co_await link->async_run(batch);
    if (!link) co_await impl_->run(batch);
    bool vary = false;
    if (batch->status == RedisBatch::Status::ok) vary = lookup.read(batch, true);
    if (vary) {
        batch = impl_->new_batch(wait.deadline(), RedisWork::read);
        lookup.everything = impl_->shared.node().everything_id();
        lookup.ask(batch->commands, impl_->shared.keys(), false);
        co_await impl_->run(batch);
        if (batch->status == RedisBatch::Status::ok) lookup.read(batch, false);
        found.other_variant = batch->status == RedisBatch::Status::ok &&
                              batch->replies.front().items.size() == 3 &&
                              batch->replies.front().items[0].is_nil();
    }
    if (batch->status == RedisBatch::Status::ok && lookup.has_more()) {
        batch = impl_->new_batch(wait.deadline(), RedisWork::read);
        lookup.ask_more(batch->commands, impl_->shared.keys());
        co_await impl_->run(batch);
        if (batch->status == RedisBatch::Status::ok) lookup.read_more(*batch);
    }
    found.state = to_state(batch->status);
    if (impl_->shared.reporter().troubled(RedisWork::read) && found.state == RedisState::ok &&
        !batch->replies.front().is_error())
        impl_->shared.reporter().works(RedisWork::read);
    if (found.state != RedisState::ok) {
        impl_->observed(RedisOperation::find, wait.began());
        co_return found;
    }
    const bool is_hit = lookup.entry && !lookup.soft_purged &&
                        cache::time_left(lookup.entry->freshness, wall_now()) > Seconds(0);
    if (!is_hit) found.ids = lookup.known_ids();
    if (lookup.entry && lookup.large) {
        const bool came = co_await impl_->read_large(lookup, wait.deadline());
        found.too_slow = !came && is_hit;
    }
    impl_->observed(RedisOperation::find, wait.began());
    if (!is_hit && !lookup.vary.empty()) found.variant = lookup.vary_variant;
    if (!lookup.entry) co_return found;
    found.soft_purged = lookup.soft_purged;
    if (lookup.name.for_memory) {
        lookup.set_guards();
        found.entry = cache::make_stored(*lookup.entry);
    } else {
        found.entry = cache::make_stored_briefly(*lookup.entry);
    }
    co_return found;
}

namespace {

/// The rules of sharing stand before the variant, between two '~' (route::CompiledRoute::sharing).
std::string_view without_sharing(std::string_view variant) {
    if (!variant.starts_with('~')) return variant;
    const std::size_t end = variant.find('~', 1);
    return end == variant.npos ? variant : variant.substr(end + 1);
}

}  // namespace

Task<std::vector<std::string>> RedisStore::variants(std::string key, RedisBudget& budget) {
    std::vector<std::string> out;
    if (!impl_->may_read(key)) co_return out;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    const RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    batch->commands.add("HKEYS", impl_->shared.keys().entry(key));
    co_await impl_->run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return out;
    for (const RedisReply& field : batch->replies.front().items)
        if (field.text.starts_with("v:"))
            out.emplace_back(without_sharing(std::string_view(field.text).substr(2)));
    co_return out;
}

namespace {

/// A lock from before a purge. Its fetch can no longer store, so nobody waits for it. `digest`: of
/// the ids now, none where one is missing, as it is after a purge.
bool is_dead(std::string_view lock, const RedisReply* guards, std::string_view digest) {
    if (!guard_stands(guards, lock.substr(0, 16), {})) return true;
    const std::string_view taken_under = lock.substr(std::min<std::size_t>(17, lock.size()), 16);
    return taken_under != no_digest && taken_under != digest;
}

}  // namespace

/// Until the waiter is told that the fetch has ended, has reason to look, or `next`. False: the
/// worker stops, or Redis cannot be read any more, so that nothing would be told.
Task<bool> RedisStore::Impl::wait_to_be_told(std::shared_ptr<LockWaiters::Waiter> waiter,
                                             std::string key, SteadyTime next) {
    // Purges may come often: no more looks than polling would make.
    const SteadyTime looks_from = steady_now() + longest_poll;
    while (!waiter->told && steady_now() < next) {
        const SteadyTime now = steady_now();
        if (waiter->looks && now >= looks_from) break;
        const SteadyTime slice =
            std::min(next, waiter->looks ? looks_from : now + look_at_redis_every);
        const bool goes_on = co_await waiter->event.wait_until(slice);
        if (!goes_on || !may_read(key)) co_return false;
    }
    waiter->told = waiter->looks = false;
    co_return true;
}

Task<RedisStore::Waited> RedisStore::wait_for_other(EntryName name, SteadyTime deadline) {
    Waited waited;
    const SteadyTime started = steady_now();
    const RedisKeys& keys = impl_->shared.keys();
    const std::string& host_variant = cache::target_variant(*name.request, name.with_host);
    const std::string lock_key = keys.lock(name.key, lock_part(name, host_variant));
    const std::string part = part_of_lock(lock_key);
    const auto waiter = std::make_shared<LockWaiters::Waiter>(impl_->context.get_executor());
    const LockWaiters::Place place(impl_->shared.lock_waiters(), lock_key, waiter);
    Milliseconds pause = first_poll;
    while (true) {
        if (!impl_->may_read(name.key)) {
            waited.state = RedisState::down;
            break;
        }
        const bool hears = impl_->hears_of_locks();
        // The lock first: a fill stores before it gives the lock back.
        RedisBatchPointer batch =
            impl_->new_batch(steady_now() + impl_->timeout(), RedisWork::read);
        batch->commands.run(script::watch_lock, "2", lock_key, keys.guard(name.key), part,
                            hears ? "1" : "");
        ask_guard(batch->commands, keys, name.key);
        co_await impl_->run(batch);
        waited.state = to_state(batch->status);
        if (waited.state != RedisState::ok) break;
        const RedisReply& lock = batch->replies.front();
        const RedisReply* const guards = batch->replies.data() + 1;
        RedisBudget budget;
        Found found = co_await find(name, budget);
        waited.state = found.state;
        if (waited.state != RedisState::ok) break;
        // What was there before the other's fetch, and is the reason for it, is not its result.
        const bool usable = found.entry && !found.soft_purged;
        const bool result =
            usable && (!lock.is_text() ||
                       cache::time_left(found.entry->freshness(), wall_now()) > Seconds(0));
        if (result) waited.entry = std::move(found.entry);
        const std::string seen = found.ids ? std::move(found.ids->digest) : std::string();
        const bool ended = !lock.is_text() || is_dead(lock.text, guards, seen);
        waited.uncacheable = !ended && lock.text.ends_with(":u");
        if (waited.entry || waited.uncacheable || ended) break;
        waited.timed_out = steady_now() >= deadline;
        if (waited.timed_out) break;
        const bool is_told = hears && lock.text.ends_with(watched_mark);
        const SteadyTime next = std::min(deadline, steady_now() + (is_told ? look_anyway : pause));
        const bool goes_on = co_await impl_->wait_to_be_told(waiter, std::string(name.key), next);
        if (!goes_on && impl_->may_read(name.key)) {
            waited.timed_out = true;  // the worker stops
            break;
        }
        pause = std::min(pause * 3 / 2, longest_poll);
    }
    impl_->observed(RedisOperation::wait, started);
    co_return waited;
}

}  // namespace larder::redis
