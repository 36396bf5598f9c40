#include <algorithm>

#include <boost/asio/basic_waitable_timer.hpp>

#include "cache/decisions.hpp"
#include "store/entry_format.hpp"
#include "store/redis_ids.hpp"
#include "store/redis_store_impl.hpp"

// A read: the entry's hash field and the ids that must be current, in one round trip; a second one where the response varies,
// and one for response tags where it has any.
namespace larder::store {
namespace {

using namespace std::chrono_literals;
using Timer = boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

constexpr std::size_t vary_names_max = 64;
constexpr Milliseconds first_poll = 4ms;
constexpr Milliseconds longest_poll = 25ms;

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

EntryLookup::EntryLookup(const EntryName& name_in) : name(name_in) {
    cache::build_variant(*name.request, {}, name.with_host, host_variant);
    variant = host_variant;
}

void EntryLookup::ask(RedisCommands& commands, const RedisKeys& keys, bool with_vary) {
    first_reply = commands.count();
    const std::string entry_key = keys.entry(name.key);
    const std::string field = "v:" + variant;
    if (with_vary) commands.add("HMGET", entry_key, field, "soft", "vary:" + host_variant);
    if (!with_vary) commands.add("HMGET", entry_key, field, "soft");
    for (const std::string& tag : name.tags) commands.add("GET", keys.tag(tag));
    if (extended()) commands.add("GET", keys.extension(name.key.substr(0, name.bare_size)));
}

bool EntryLookup::read(const RedisBatch& batch, bool with_vary) {
    entry = nullptr;
    const RedisReply& fields = batch.replies[first_reply];
    if (fields.items.size() != (with_vary ? 3u : 2u)) return false;  // another kind of key stands there
    if (with_vary && fields.items[2].is_text() && !fields.items[2].text.empty()) {
        vary = split_names(fields.items[2].text);
        cache::build_variant(*name.request, vary, name.with_host, variant);
        return true;
    }
    if (!fields.items[0].is_text()) return false;
    entry = decode_entry(fields.items[0].text);
    if (!entry) return false;
    if (entry->variant != variant || entry->vary != vary) {
        entry = nullptr;
        return false;
    }
    soft_purged = fields.items[1].text != entry->soft_id;
    check_ids(&batch.replies[first_reply + 1]);
    return false;
}

/// The entry must carry every name it is asked for under, with the id that is current.
void EntryLookup::check_ids(const RedisReply* ids) {
    const auto check = [&](std::string_view wanted, const RedisReply& current) {
        for (const cache::TagId& tag : entry->tags) {
            if (tag.name != wanted) continue;
            if (!current.is_text() || hard_part(current.text) != hard_part(tag.id)) return false;
            soft_purged |= current.text != tag.id;
            return true;
        }
        return false;
    };
    bool valid = true;
    for (const std::string& tag : name.tags) valid = valid && check(tag, *ids++);
    if (extended()) valid = valid && check(extension_name, *ids);
    if (!valid) entry = nullptr;
}

void EntryLookup::ask_response_tags(RedisCommands& commands, const RedisKeys& keys) const {
    for (const cache::TagId& tag : entry->response_tags) commands.add("GET", keys.response_tag(tag.name));
}

void EntryLookup::read_response_tags(const RedisBatch& batch) {
    for (std::size_t i = 0; i < entry->response_tags.size(); ++i) {
        const RedisReply& current = batch.replies[i];
        const std::string& id = entry->response_tags[i].id;
        if (!current.is_text() || hard_part_of_response_tag(current.text) != hard_part_of_response_tag(id)) {
            entry = nullptr;
            return;
        }
        soft_purged |= current.text != id;
    }
}

void EntryLookup::set_guards() {
    entry->sequence = sequence;
    entry->guards = guard_slots(name.key, name.bare_size, name.tags);
    for (const cache::TagId& tag : entry->response_tags) entry->guards.push_back(Generations::slot_of_response_tag(tag.name));
}

Task<Found> RedisStore::find(EntryName name, RedisBudget& budget) {
    Found found;
    if (!impl_->may_read()) {
        found.state = RedisState::down;
        co_return found;
    }
    const SteadyTime deadline = impl_->begin(budget);
    const SteadyTime started = steady_now();
    EntryLookup lookup(name);
    lookup.sequence = impl_->sequence();
    RedisBatchPointer batch = impl_->new_batch(deadline);
    lookup.ask(batch->commands, impl_->shared.keys(), true);
    co_await impl_->link->async_run(batch);
    bool vary = false;
    if (batch->status == RedisBatch::Status::ok) vary = lookup.read(*batch, true);
    if (vary) {
        batch = impl_->new_batch(deadline);
        lookup.ask(batch->commands, impl_->shared.keys(), false);
        co_await impl_->link->async_run(batch);
        if (batch->status == RedisBatch::Status::ok) lookup.read(*batch, false);
        found.other_variant = batch->status == RedisBatch::Status::ok && batch->replies.front().items.size() == 2 &&
                              batch->replies.front().items[0].is_nil();
    }
    if (batch->status == RedisBatch::Status::ok && lookup.entry && !lookup.entry->response_tags.empty()) {
        batch = impl_->new_batch(deadline);
        lookup.ask_response_tags(batch->commands, impl_->shared.keys());
        co_await impl_->link->async_run(batch);
        if (batch->status == RedisBatch::Status::ok) lookup.read_response_tags(*batch);
    }
    found.state = to_state(batch->status);
    impl_->observed(RedisOperation::find, started);
    if (found.state != RedisState::ok || !lookup.entry) co_return found;
    lookup.set_guards();
    found.soft_purged = lookup.soft_purged;
    found.entry = std::move(lookup.entry);
    co_return found;
}

Task<std::vector<std::string>> RedisStore::variants(std::string key, RedisBudget& budget) {
    std::vector<std::string> out;
    if (!impl_->may_read()) co_return out;
    const RedisBatchPointer batch = impl_->new_batch(impl_->begin(budget));
    batch->commands.add("HKEYS", impl_->shared.keys().entry(key));
    co_await impl_->link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return out;
    for (const RedisReply& field : batch->replies.front().items)
        if (field.text.starts_with("v:")) out.push_back(field.text.substr(2));
    co_return out;
}

Task<RedisStore::Waited> RedisStore::wait_for_other(EntryName name, SteadyTime deadline) {
    Waited waited;
    const SteadyTime started = steady_now();
    std::string host;
    cache::build_variant(*name.request, {}, name.with_host, host);
    const std::string lock_key = impl_->shared.keys().lock(name.key, host);
    Milliseconds pause = first_poll;
    while (true) {
        if (!impl_->may_read()) {
            waited.state = RedisState::down;
            break;
        }
        // The lock first: a fill stores before it gives the lock back.
        RedisBatchPointer batch = impl_->new_batch(steady_now() + impl_->shared.settings().timeout);
        batch->commands.add("GET", lock_key);
        co_await impl_->link->async_run(batch);
        waited.state = to_state(batch->status);
        if (waited.state != RedisState::ok) break;
        const RedisReply lock = std::move(batch->replies.front());
        RedisBudget budget;
        Found found = co_await find(name, budget);
        waited.state = found.state;
        if (waited.state != RedisState::ok) break;
        // What was there before the other's fetch, and is the reason for it, is not its result.
        const bool usable = found.entry && !found.soft_purged;
        const bool result = usable && (!lock.is_text() || cache::time_left(found.entry->freshness, wall_now()) > Seconds(0));
        if (result) waited.entry = std::move(found.entry);
        waited.uncacheable = lock.is_text() && lock.text.ends_with(":u");
        if (waited.entry || waited.uncacheable || !lock.is_text()) break;
        waited.timed_out = steady_now() + pause > deadline;
        if (waited.timed_out) break;
        Timer timer(impl_->context);
        timer.expires_after(pause);
        [[maybe_unused]] const auto [ignored] = co_await timer.async_wait(as_result);
        pause = std::min(pause * 3 / 2, longest_poll);
    }
    impl_->observed(RedisOperation::wait, started);
    co_return waited;
}

}  // namespace larder::store
