#include <algorithm>

#include "redis/filling.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"

// Tags that only the response names are known when the fetch is under way. The purge clock tells
// whether one of them was purged since the fetch began.
namespace larder::redis {
namespace {

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
    const bool heard =
        co_await fill.store.hear_all(fill.lease, steady_now() + fill.store.timeout());
    if (!heard) co_return false;
    co_return none_purged_here(fill.store.shared.generations(), fill.entry.response_tags,
                               fill.lease.sequence);
}

/// What was made here may hide a purge from others: take it back.
Task<void> take_back(const Filling& fill, const std::vector<cache::TagId>& made) {
    const RedisKeys& keys = fill.store.shared.keys();
    const RedisBatchPointer undo = fill.new_batch();
    for (const cache::TagId& tag : made)
        undo->commands.run(script::delete_if, "1", keys.response_tag(tag.name), tag.id);
    co_await fill.store.run(undo);
}

}  // namespace

namespace {

Task<Tags> settle(Filling& fill) {
    const RedisKeys& keys = fill.store.shared.keys();
    std::vector<cache::TagId>& tags = fill.entry.response_tags;
    if (tags.empty()) co_return Tags::current;
    if (fill.lease.clock == 0) co_return Tags::unavailable;
    const RedisBatchPointer look = fill.new_batch();
    for (const cache::TagId& tag : tags) look->commands.add("GET", keys.response_tag(tag.name));
    co_await fill.store.run(look);
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
    if (!fill.store.in_cluster()) make->commands.add("GET", keys.clock());
    co_await fill.store.run(make);
    if (make->status != RedisBatch::Status::ok) co_return Tags::unavailable;
    if (fill.store.in_cluster()) {
        // The clock must not be read before the tags are made, and stands on another node.
        const RedisBatchPointer later = fill.new_batch();
        later->commands.add("GET", keys.clock());
        co_await fill.store.run(later);
        if (later->status != RedisBatch::Status::ok) co_return Tags::unavailable;
        make->replies.push_back(std::move(later->replies.front()));
    }
    state = take_response_tags(make->replies.data() + made.size(), fill.lease.clock, tags, missing);
    bool certain = false;
    if (state == Tags::current && missing == 0)
        certain = co_await none_purged(fill, make->replies.back());
    if (certain) co_return Tags::current;
    co_await take_back(fill, made);
    co_return missing == 0 ? Tags::purged : Tags::unavailable;
}

}  // namespace

Task<Tags> settle_response_tags(Filling& fill) {
    Tags tags = co_await settle(fill);
    RedisShared& shared = fill.store.shared;
    // What the clock said at the start says nothing of purges that another server measures.
    const bool same_clock =
        fill.entry.response_tags.empty() ||
        shared.node_of(shared.keys().clock()).epochs().may_read(fill.lease.clock_epoch);
    if (!same_clock) tags = Tags::unavailable;
    // The clock may have been moved since it was read: the next fetch is to know.
    if (tags == Tags::purged)
        fill.store.shared.node_of(fill.store.shared.keys().clock()).purge_clock().forget();
    co_return tags;
}

Task<bool> RedisStore::tags_current(Lease lease, std::vector<std::string> names,
                                    RedisBudget& budget) {
    if (names.empty()) co_return true;
    if (!impl_->in_cluster() && !impl_->may_read({})) co_return false;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    if (wait.spent()) co_return false;
    std::vector<cache::TagId> tags;
    for (const std::string& name : names) tags.push_back({name, {}});
    if (lease.clock == 0) {
        const bool heard = co_await impl_->hear_all(lease, wait.deadline());
        if (!heard) co_return false;
        co_return none_purged_here(impl_->shared.generations(), tags, lease.sequence);
    }
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    batch->commands.add("GET", keys.clock());
    for (const std::string& name : names) batch->commands.add("GET", keys.response_tag(name));
    co_await impl_->run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    if (!impl_->shared.node_of(keys.clock()).epochs().may_read(lease.clock_epoch)) co_return false;
    std::size_t missing = 0;
    const Tags state = take_response_tags(batch->replies.data() + 1, lease.clock, tags, missing);
    if (state != Tags::current || missing == 0) co_return state == Tags::current;
    if (clock_holds(batch->replies.front(), lease.clock)) co_return true;
    const bool heard = co_await impl_->hear_all(lease, wait.deadline());
    if (!heard) co_return false;
    co_return none_purged_here(impl_->shared.generations(), tags, lease.sequence);
}

}  // namespace larder::redis
