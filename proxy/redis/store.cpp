#include "redis/store.hpp"

#include <algorithm>

#include "redis/news.hpp"
#include "redis/purge.hpp"
#include "redis/purge_text.hpp"
#include "redis/store_impl.hpp"

namespace larder::redis {
using namespace std::chrono_literals;
namespace {

// A write that dies with its process must not hold its names for long, and a slow origin's must not
// lose its hold.
constexpr Milliseconds announced_for = 10s;

}  // namespace

RedisState to_state(RedisBatch::Status status) {
    switch (status) {
        case RedisBatch::Status::ok:
            return RedisState::ok;
        case RedisBatch::Status::timeout:
            return RedisState::timeout;
        case RedisBatch::Status::down:
            break;
    }
    return RedisState::down;
}

RedisStore::Impl::Impl(boost::asio::io_context& context_in, RedisShared& shared_in,
                       int worker_index_in)
    : context(context_in), shared(shared_in), worker_index(worker_index_in) {
    if (worker_index < shared.config().links) {
        own_link = std::make_shared<RedisLink>(context, shared, shared.node());
        shared.node().links().set(worker_index, own_link);
        link = own_link;
    }
    if (worker_index == 0) {
        maintenance = std::make_shared<RedisMaintenance>(context, shared, shared.node(), own_link);
        maintenance->start();
        if (shared.config().has_subscriber)
            subscriber = std::make_shared<RedisSubscriber>(context, shared, shared.node());
        if (subscriber) subscriber->start();
        if (shared.config().has_bulk)
            own_bulk = std::make_shared<RedisBulk>(context, shared, shared.node());
        if (own_bulk) shared.node().links().set_bulk(own_bulk);
    }
    if (own_link) own_link->start();
}

RedisLink* RedisStore::Impl::connected() {
    if (!link) link = shared.node().links().of_worker(worker_index);
    return link.get();
}

bool RedisStore::Impl::may_read() {
    const RedisLink* used = connected();
    return used != nullptr && shared.node().may_read(*used);
}

RedisBatchPointer RedisStore::Impl::new_batch(SteadyTime deadline, RedisWork work) {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = deadline;
    batch->epoch = shared.node().epochs().cleared();
    batch->work = work;
    return batch;
}

std::uint64_t RedisStore::Impl::sequence() const {
    const std::int64_t heard_by = link->tracked_by();
    return heard_by != 0 && heard_by == shared.node().subscriber() ? shared.generations().now() : 0;
}

RedisStore::RedisStore(boost::asio::io_context& context, RedisShared& shared, int worker_index)
    : impl_(std::make_shared<Impl>(context, shared, worker_index)) {}

RedisStore::~RedisStore() {
    stop();
    if (impl_->own_link) impl_->shared.node().links().set(impl_->worker_index, nullptr);
    if (impl_->own_bulk) impl_->shared.node().links().set_bulk(nullptr);
}

void RedisStore::stop() {
    *impl_->stopped = true;
    if (impl_->maintenance) impl_->maintenance->stop();
    if (impl_->subscriber) impl_->subscriber->stop();
    if (impl_->own_link) impl_->own_link->stop();
    if (impl_->own_bulk) impl_->own_bulk->stop();
}

bool RedisStore::stores() const { return !impl_->shared.reporter().troubled(RedisWork::store); }

void RedisStore::tell_foreign(const Lease& lease, std::string_view shown) {
    impl_->shared.reporter().tell_foreign(
        lease.foreign_key, lease.foreign_type,
        shown.empty() ? std::string_view(lease.foreign_key) : shown);
}

Task<std::uint64_t> RedisStore::count_present(route::PurgeSet set, RedisBudget& budget) {
    if (set.empty() || !impl_->may_read()) co_return 0;
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBudget::Wait wait(budget, impl_->timeout());
    const RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    // HEXISTS: what an application keeps under that name is not an entry.
    for (const std::string& key : set.keys)
        batch->commands.add("HEXISTS", keys.entry(key), "larder")
            .add("EXISTS", keys.extension(key));
    for (const std::string& pattern : set.patterns)
        batch->commands.add("EXISTS", keys.tag(pattern));
    co_await impl_->link->async_run(batch);
    std::uint64_t count = 0;
    if (batch->status != RedisBatch::Status::ok) co_return count;
    for (const RedisReply& reply : batch->replies)
        count += static_cast<std::uint64_t>(std::max<std::int64_t>(reply.integer, 0));
    co_return count;
}

Task<bool> RedisStore::announce(std::vector<PurgeItem> items, std::string token,
                                RedisBudget& budget) {
    const RedisBudget::Wait wait(budget, impl_->timeout());
    const std::shared_ptr<RedisLink> link = impl_->shared.node().usable_link(impl_->link);
    if (!link || wait.spent() || link->epoch() != impl_->shared.node().epochs().cleared())
        co_return false;
    impl_->shared.history().remember(items, steady_now());
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = wait.deadline();
    batch->work = RedisWork::purge;
    add_holds(batch->commands, impl_->shared.keys(), items, token, announced_for);
    const News news{News::Kind::purges, impl_->shared.instance(),
                    impl_->shared.history().keeps_for(), items};
    batch->commands.add("PUBLISH", impl_->shared.keys().news(), encode_news(news));
    co_await link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const auto end = batch->replies.end() - 1;  // the news may be refused
    co_return std::none_of(batch->replies.begin(), end,
                           [](const RedisReply& reply) { return reply.is_error(); });
}

void RedisStore::renew_announcement(const std::vector<PurgeItem>& items, const std::string& token) {
    const std::shared_ptr<RedisLink> link = impl_->shared.node().usable_link(impl_->link);
    if (!link) return;
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->timeout();
    add_holds(batch->commands, impl_->shared.keys(), items, token, announced_for);
    link->send(batch);
}

Task<store::PurgeOutcome> RedisStore::purge(store::PurgeOrder order, RedisBudget& budget,
                                            std::string token) {
    const std::vector<PurgeItem> items = items_of(order);
    if (items.empty()) co_return store::PurgeOutcome::done;
    // Before it is sent: a server that takes it and is replaced by one that never heard of it gets
    // it again.
    impl_->shared.history().remember(items, steady_now());
    const RedisBudget::Wait wait(budget, impl_->timeout());
    bool done = false;
    // Whichever link works will do: the purge must not wait for this worker's own.
    const std::shared_ptr<RedisLink> link = impl_->shared.node().usable_link(impl_->link);
    if (link && !wait.spent()) {
        const std::uint64_t epoch = link->epoch();
        PurgeRun how;
        how.deadline = wait.deadline();
        how.token = std::move(token);
        how.tell = PurgeRun::Tell::others;
        done = co_await run_purges(link, impl_->shared, items, how);
        // Acknowledged by a server that is no longer the one: that proves nothing.
        done = done && epoch == impl_->shared.node().epochs().current();
    }
    impl_->observed(RedisOperation::purge, wait.began());
    if (done) impl_->shared.reporter().works(RedisWork::purge);
    if (done) co_return store::PurgeOutcome::done;
    impl_->shared.journal().add(items);
    impl_->shared.wake_maintenance();
    co_return store::PurgeOutcome::pending;
}

}  // namespace larder::redis
