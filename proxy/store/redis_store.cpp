#include "store/redis_store.hpp"

#include <algorithm>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "cache/decisions.hpp"
#include "net/detached.hpp"
#include "store/redis_ids.hpp"
#include "store/redis_purge.hpp"
#include "store/redis_scripts.hpp"
#include "store/redis_store_impl.hpp"

namespace larder::store {
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds guard_lifetime = 60s;
constexpr Milliseconds lock_lifetime = 5s;       // so that a dead instance's lock is soon free
constexpr Milliseconds uncacheable_for = 3s;
constexpr Milliseconds free_again = 50ms;  // after the connection was lost

/// The ids of rule tags and extension, from the replies to SET NX and GET. False: one is missing (Redis is full).
bool read_ids(const EntryLookup& lookup, const RedisReply* replies, std::vector<cache::TagId>& ids) {
    const auto take = [&](std::string_view name) {
        const RedisReply& current = replies[1];
        replies += 2;
        if (!current.is_text()) return false;
        ids.push_back({std::string(name), current.text});
        return true;
    };
    bool good = true;
    for (const std::string& tag : lookup.name.tags) good = good && take(tag);
    if (lookup.extended()) good = good && take(extension_name);
    return good;
}

/// Until it is done, or the lock has ended by itself.
Task<void> free_lock(std::shared_ptr<RedisLink> link, std::shared_ptr<std::atomic<bool>> stopped, Milliseconds timeout, std::string lock_key,
                     std::string token, bool uncacheable) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor> pause(executor);
    const SteadyTime give_up = steady_now() + lock_lifetime;
    while (steady_now() < give_up && !*stopped) {
        const RedisBatchPointer batch = std::make_shared<RedisBatch>();
        batch->deadline = steady_now() + timeout;
        batch->needs = RedisBatch::Needs::connection;  // also behind what a stalled connection still has to do
        batch->commands.add("EVAL", script::release, "1", lock_key, token, uncacheable ? "u" : "", uncacheable_for.count());
        co_await link->async_run(batch);
        if (batch->status == RedisBatch::Status::ok) co_return;
        pause.expires_after(free_again);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    }
}

void add_get_or_make(RedisCommands& commands, const std::string& id_key) {
    commands.add("SET", id_key, random_id(), "NX", "PX", id_lifetime.count()).add("GET", id_key);
}

}  // namespace

RedisState to_state(RedisBatch::Status status) {
    switch (status) {
        case RedisBatch::Status::ok: return RedisState::ok;
        case RedisBatch::Status::timeout: return RedisState::timeout;
        case RedisBatch::Status::down: break;
    }
    return RedisState::down;
}

RedisStore::Impl::Impl(boost::asio::io_context& context_in, RedisShared& shared_in, int worker_index_in)
    : context(context_in), shared(shared_in), worker_index(worker_index_in) {
    if (worker_index < shared.links()) {
        own_link = std::make_shared<RedisLink>(context, shared);
        shared.add_link(worker_index, own_link);
        link = own_link;
    }
    if (worker_index == 0) {
        keeper = std::make_shared<RedisKeeper>(context, shared, own_link);
        keeper->start();
        if (shared.has_subscriber()) subscriber = std::make_shared<RedisSubscriber>(context, shared);
        if (subscriber) subscriber->start();
    }
    if (own_link) own_link->start();
}

RedisLink* RedisStore::Impl::connected() {
    if (!link) link = shared.link(worker_index);
    return link.get();
}

bool RedisStore::Impl::may_read() {
    const RedisLink* used = connected();
    return used != nullptr && shared.may_read(*used);
}

RedisBatchPointer RedisStore::Impl::new_batch(SteadyTime deadline) {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = deadline;
    batch->epoch = shared.cleared_epoch();
    return batch;
}

SteadyTime RedisStore::Impl::begin(RedisBudget& budget) const {
    if (!budget.deadline) budget.deadline = steady_now() + shared.settings().timeout;
    return *budget.deadline;
}

std::uint64_t RedisStore::Impl::sequence() const {
    const std::int64_t heard_by = link->tracked_by();
    return heard_by != 0 && heard_by == shared.subscriber() ? shared.generations().now() : 0;
}

void RedisStore::Impl::give_back(const std::string& lock_key, const std::string& token, bool uncacheable) {
    net::start_detached(context.get_executor(), free_lock(link, stopped, shared.settings().timeout, lock_key, token, uncacheable), "giving a lock back");
}

RedisStore::RedisStore(boost::asio::io_context& context, RedisShared& shared, int worker_index)
    : impl_(std::make_unique<Impl>(context, shared, worker_index)) {}

RedisStore::~RedisStore() {
    stop();
    if (impl_->own_link) impl_->shared.add_link(impl_->worker_index, nullptr);
}

void RedisStore::stop() {
    *impl_->stopped = true;
    if (impl_->keeper) impl_->keeper->stop();
    if (impl_->subscriber) impl_->subscriber->stop();
    if (impl_->own_link) impl_->own_link->stop();
}

bool RedisStore::available() const { return impl_->may_read(); }

Task<bool> RedisStore::answers(RedisBudget& budget) {
    if (!impl_->may_read()) co_return false;
    const RedisBatchPointer batch = impl_->new_batch(impl_->begin(budget));
    batch->commands.add("PING");
    co_await impl_->link->async_run(batch);
    co_return batch->status == RedisBatch::Status::ok && !batch->replies.front().is_error();
}

Task<Lease> RedisStore::lease(EntryName name, bool want_lock, RedisBudget& budget) {
    Lease lease;
    lease.state = RedisState::down;
    lease.sequence = impl_->shared.generations().now();
    if (!impl_->may_read()) co_return lease;
    const SteadyTime deadline = impl_->begin(budget);
    const SteadyTime started = steady_now();
    const RedisKeys& keys = impl_->shared.keys();
    const EntryLookup lookup(name);
    const RedisBatchPointer batch = impl_->new_batch(deadline);
    lease.epoch = batch->epoch;
    if (want_lock) lease.token = random_id();
    batch->commands.add("EVAL", script::lease, "3", keys.guard(name.key), keys.lock(name.key, lookup.host_variant),
                        keys.entry(name.key), random_id(), guard_lifetime.count(), lease.token, lock_lifetime.count());
    batch->commands.add("EVAL", script::clock, "1", keys.clock());
    for (const std::string& tag : name.tags) add_get_or_make(batch->commands, keys.tag(tag));
    if (lookup.extended()) add_get_or_make(batch->commands, keys.extension(name.key.substr(0, name.bare_size)));
    co_await impl_->link->async_run(batch);
    impl_->observed(RedisOperation::lease, started);
    lease.state = to_state(batch->status);
    // The lock may be, or become, ours all the same: nobody is to wait for a fetch that will not store.
    if (lease.state != RedisState::ok && want_lock) impl_->give_back(keys.lock(name.key, lookup.host_variant), lease.token, false);
    if (lease.state != RedisState::ok) co_return lease;
    const RedisReply& answer = batch->replies[0];
    if (answer.is_error("OOM")) impl_->shared.count(RedisError::full);
    if (answer.items.size() != 4) co_return lease;  // no guard: the fetch is made, and not stored
    lease.guard = answer.items[0].text;
    lease.soft_id = answer.items[2].text;
    lease.entry_there = answer.items[3].integer == 1;
    const std::string& lock = answer.items[1].text;
    if (lock == "mine") lease.lock = Lease::Lock::mine;
    if (lock == "theirs") lease.lock = Lease::Lock::theirs;
    if (lock == "u") lease.lock = Lease::Lock::uncacheable;
    if (batch->replies[1].is_text()) lease.clock = parse_decimal(batch->replies[1].text).value_or(0);
    // An id that cannot be made (a full Redis) leaves the entry without one: it could not be stored either.
    if (!read_ids(lookup, batch->replies.data() + 2, lease.tags)) lease.tags.clear();
    co_return lease;
}

Task<bool> RedisStore::still_current(EntryName name, Lease lease, RedisBudget& budget) {
    if (!impl_->may_read()) co_return false;
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch = impl_->new_batch(impl_->begin(budget));
    batch->commands.add("GET", keys.guard(name.key));
    for (const std::string& tag : name.tags) batch->commands.add("GET", keys.tag(tag));
    const bool extended = name.bare_size < name.key.size();
    if (extended) batch->commands.add("GET", keys.extension(name.key.substr(0, name.bare_size)));
    co_await impl_->link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const RedisReply& guard = batch->replies.front();
    bool current = guard.is_text() && guard.text == lease.guard && lease.tags.size() + 1 == batch->replies.size();
    for (std::size_t i = 0; current && i < lease.tags.size(); ++i)
        current = batch->replies[i + 1].is_text() && batch->replies[i + 1].text == lease.tags[i].id;
    co_return current;
}

Task<std::uint64_t> RedisStore::count_present(route::PurgeSet set, RedisBudget& budget) {
    if (set.empty() || !impl_->may_read()) co_return 0;
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch = impl_->new_batch(impl_->begin(budget));
    for (const std::string& key : set.keys) batch->commands.add("EXISTS", keys.entry(key), keys.extension(key));
    for (const std::string& pattern : set.patterns) batch->commands.add("EXISTS", keys.tag(pattern));
    co_await impl_->link->async_run(batch);
    std::uint64_t count = 0;
    if (batch->status != RedisBatch::Status::ok) co_return count;
    for (const RedisReply& reply : batch->replies) count += static_cast<std::uint64_t>(std::max<std::int64_t>(reply.integer, 0));
    co_return count;
}

void RedisStore::release(std::string_view key, const http::RequestHead& request, bool with_host, const Lease& lease, bool uncacheable) {
    if (lease.lock != Lease::Lock::mine || impl_->connected() == nullptr) return;
    std::string host;
    cache::build_variant(request, {}, with_host, host);
    impl_->give_back(impl_->shared.keys().lock(key, host), lease.token, uncacheable);
}

void RedisStore::prolong(std::string_view key, const http::RequestHead& request, bool with_host, const Lease& lease) {
    if (lease.guard.empty() || impl_->connected() == nullptr) return;
    std::string host;
    cache::build_variant(request, {}, with_host, host);
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->shared.settings().timeout;
    batch->commands.add("EVAL", script::prolong, "2", keys.guard(key), keys.lock(key, host), lease.guard, guard_lifetime.count(),
                        lease.lock == Lease::Lock::mine ? lease.token : std::string(), lock_lifetime.count());
    impl_->link->send(batch);
}

Task<PurgeOutcome> RedisStore::purge(PurgeOrder order, RedisBudget& budget) {
    using Kind = PurgeItem::Kind;
    std::vector<PurgeItem> items;
    for (std::string& key : order.set.keys) items.push_back(PurgeItem{Kind::key, order.soft, std::move(key)});
    for (std::string& pattern : order.set.patterns) items.push_back(PurgeItem{Kind::pattern, order.soft, std::move(pattern)});
    for (std::string& tag : order.tags) items.push_back(PurgeItem{Kind::response_tag, order.soft, std::move(tag)});
    for (std::string& pattern : order.scan_patterns) items.push_back(PurgeItem{Kind::scan, order.soft, std::move(pattern)});
    if (items.empty()) co_return PurgeOutcome::done;
    // Before it is sent: a server that takes it and is replaced by one that never heard of it gets it again.
    impl_->shared.remember_purges(items);
    const SteadyTime deadline = impl_->begin(budget);
    const SteadyTime started = steady_now();
    bool done = false;
    RedisLink* link = impl_->connected();
    if (link != nullptr && link->usable()) {
        const std::uint64_t epoch = link->epoch();
        done = co_await run_purges(impl_->link, impl_->shared, items, deadline, Milliseconds(0));
        // Acknowledged by a server that is no longer the one: that proves nothing.
        done = done && epoch == impl_->shared.current_epoch();
    }
    impl_->observed(RedisOperation::purge, started);
    if (done) co_return PurgeOutcome::done;
    impl_->shared.journal().add(items);
    impl_->shared.wake_keeper();
    co_return PurgeOutcome::pending;
}

}  // namespace larder::store
