#include "redis/store.hpp"

#include <algorithm>
#include <optional>

#include "net/detached.hpp"
#include "redis/news.hpp"
#include "redis/purge.hpp"
#include "redis/purge_steps.hpp"
#include "redis/purge_text.hpp"
#include "redis/store_impl.hpp"

namespace larder::redis {
using namespace std::chrono_literals;
namespace {

// A write that dies with its process must not hold its names for long, and a slow origin's must not
// lose its hold.
constexpr Milliseconds announced_for = 10s;

/// A purge goes over whichever link works: it must not wait for the worker's own. Nothing: none
/// works.
std::optional<RedisWay> any_way(RedisWay own) {
    if (own.shared.fleet().is_cluster()) return RedisWay{own.shared, nullptr, own.worker};
    own.link = own.shared.node().usable_link(own.link);
    if (!own.link) return std::nullopt;
    return own;
}

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
    shared.add_context(context);
    if (in_cluster()) {
        if (worker_index == 0) watch = std::make_shared<ClusterWatch>(context, shared);
        if (watch) watch->start();
        return;
    }
    if (worker_index < shared.config().links) {
        own_link = std::make_shared<RedisLink>(context, shared, shared.node());
        shared.node().links().set(worker_index, own_link);
        link = own_link;
    }
    if (worker_index == 0) {
        if (shared.node().is_watched())
            sentinels = std::make_shared<SentinelWatch>(context, shared, shared.node());
        if (sentinels) sentinels->start();
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

bool RedisStore::Impl::may_read(std::string_view key) {
    if (!shared.stream_is_done()) return false;
    if (in_cluster()) {
        const int slot = slot_of(shared.keys().entry(key));
        const int lane = shared.fleet().lane_of(slot);
        if (lane == RedisFleet::no_lane) return false;
        RedisNode& node = shared.fleet().lane(lane);
        const std::shared_ptr<RedisLink> used = node.links().of_worker(worker_index);
        return used && node.may_read(*used) &&
               (shared.journal().owed() & bit_of_group(group_of_slot(slot))) == 0;
    }
    const RedisLink* used = connected();
    return used != nullptr && shared.node().may_read(*used);
}

RedisBatchPointer RedisStore::Impl::new_batch(SteadyTime deadline, RedisWork work) {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = deadline;
    batch->work = work;
    batch->trusted = true;
    if (!in_cluster()) batch->epoch = shared.node().epochs().cleared();
    return batch;
}

RedisBatchPointer RedisStore::Impl::new_batch_of(std::string_view key, std::uint64_t epoch,
                                                 SteadyTime deadline, RedisWork work) {
    auto batch = new_batch(deadline, work);
    batch->epoch = epoch;
    if (in_cluster()) batch->epoch_slot = slot_of(shared.keys().entry(key));
    return batch;
}

std::uint64_t RedisStore::Impl::heard_by() const {
    RedisFleet& fleet = shared.fleet();
    if (!in_cluster()) {
        const std::int64_t id = link->tracked_by();
        return id != 0 && id == shared.node().subscriber() ? static_cast<std::uint64_t>(id) : 0;
    }
    if (!fleet.is_whole()) return 0;
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
    std::uint64_t all = fleet.version();
    for (const int lane : fleet.in_use()) {
        RedisNode& node = fleet.lane(lane);
        const std::shared_ptr<RedisLink> used = node.links().of_worker(worker_index);
        const std::int64_t id = used ? used->tracked_by() : 0;
        if (id == 0 || id != node.subscriber()) return 0;
        all = (all ^ static_cast<std::uint64_t>(id) ^ used->epoch() << 32) * odd;
    }
    return all | 1;
}

std::uint64_t RedisStore::Impl::connections() const {
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
    RedisFleet& fleet = shared.fleet();
    if (!in_cluster()) {
        if (!link || !link->connected()) return 0;
        return (link->epoch() * odd ^ shared.node().everything_id()) | 1;
    }
    std::uint64_t all = fleet.version();
    for (const int lane : fleet.in_use()) {
        const std::shared_ptr<RedisLink> used = fleet.lane(lane).links().of_worker(worker_index);
        if (!used || !used->connected()) return 0;
        all = (all ^ used->epoch()) * odd;
    }
    return all | 1;
}

std::uint64_t RedisStore::Impl::sequence() const {
    return heard_by() != 0 ? shared.generations().now() : 0;
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
    if (impl_->watch) impl_->watch->stop();
    if (impl_->sentinels) impl_->sentinels->stop();
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
    const std::string first = set.keys.empty() ? std::string() : set.keys.front();
    if (set.empty() || !impl_->may_read(first)) co_return 0;
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBudget::Wait wait(budget, impl_->timeout());
    const RedisBatchPointer batch = impl_->new_batch(wait.deadline(), RedisWork::read);
    // HEXISTS: what an application keeps under that name is not an entry, nor is a hold.
    for (const std::string& key : set.keys)
        batch->commands.add("HEXISTS", keys.entry(key), mark_field)
            .add("EXISTS", keys.extension(key));
    for (const std::string& pattern : set.patterns)
        batch->commands.add("EXISTS", keys.tag(pattern));
    co_await impl_->run(batch);
    std::uint64_t count = 0;
    if (batch->status != RedisBatch::Status::ok) co_return count;
    for (const RedisReply& reply : batch->replies)
        count += static_cast<std::uint64_t>(std::max<std::int64_t>(reply.integer, 0));
    co_return count;
}

namespace {

// Of an announcement that is sent now. The others' clocks, and the time that it needs, take a part.
RedisStore::Impl::Hold new_hold(RedisStore::Impl& store) {
    constexpr Milliseconds slack = 1s;
    const SteadyTime now = steady_now();
    std::erase_if(store.holds, [now](const auto& hold) { return hold.second.until <= now; });
    return {now + announced_for - slack, store.connections()};
}

// One that Redis has lost is announced anew: what was stored meanwhile is purged by that. The store
// may be gone before the answer comes.
Task<void> renew(RedisWay way, std::weak_ptr<RedisStore::Impl> weak, RedisBatchPointer batch,
                 RedisStore::Impl::Hold hold, std::string token) {
    const std::size_t count = batch->commands.count();
    co_await way.run(batch);
    const std::shared_ptr<RedisStore::Impl> store = weak.lock();
    if (!store || batch->status != RedisBatch::Status::ok || any_failed(*batch, count)) co_return;
    const auto known = store->holds.find(token);
    if (known != store->holds.end()) known->second = hold;
}

}  // namespace

Task<bool> RedisStore::announce(std::vector<PurgeItem> items, std::string token,
                                RedisBudget& budget) {
    const RedisBudget::Wait wait(budget, impl_->timeout());
    const Impl::Hold hold = new_hold(*impl_);
    RedisShared& shared = impl_->shared;
    RedisWay way{shared, nullptr, impl_->worker_index};
    if (!impl_->in_cluster()) {
        way.link = shared.node().usable_link(impl_->link);
        if (!way.link || way.link->epoch() != shared.node().epochs().cleared()) co_return false;
    }
    if (wait.spent()) co_return false;
    shared.history().remember(items, steady_now());
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = wait.deadline();
    batch->work = RedisWork::purge;
    batch->trusted = true;
    add_holds(batch->commands, shared.keys(), items, token, announced_for);
    const std::size_t holds = batch->commands.count();
    const News news{News::Kind::purges, shared.instance(), shared.history().keeps_for(), items};
    if (way.link) batch->commands.add("PUBLISH", shared.keys().news(), encode_news(news));
    co_await way.run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const bool held = !any_failed(*batch, holds);  // the news may be refused
    bool told = held;
    if (held && !way.link) told = co_await tell_others(way, std::move(items), wait.deadline());
    if (told) impl_->holds[token] = hold;
    co_return told;
}

void RedisStore::renew_announcement(const std::vector<PurgeItem>& items, const std::string& token) {
    const std::optional<RedisWay> way = any_way(impl_->way());
    if (!way) return;
    const Impl::Hold hold = new_hold(*impl_);
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->timeout();
    add_holds(batch->commands, impl_->shared.keys(), items, token, announced_for);
    net::start_detached(impl_->context.get_executor(), renew(*way, impl_, batch, hold, token),
                        "renewing an announcement");
}

bool RedisStore::holds(const std::string& token) const {
    const auto found = impl_->holds.find(token);
    return found != impl_->holds.end() && steady_now() < found->second.until &&
           found->second.connections != 0 && found->second.connections == impl_->connections();
}

void RedisStore::plan_purge(const store::PurgeOrder& order, Milliseconds due_in) {
    RedisShared& shared = impl_->shared;
    std::vector<PurgeItem> items = items_of(order);
    note_planned(shared.generations(), items, steady_now() + due_in);
    const std::optional<RedisWay> way = any_way(impl_->way());
    if (!way) return;
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->timeout();
    const News news{News::Kind::planned, shared.instance(), due_in, std::move(items)};
    batch->commands.add("PUBLISH", shared.keys().news(), encode_news(news));
    way->send(batch);
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
    const std::string ended = token;
    const std::optional<RedisWay> way = any_way(impl_->way());
    if (way && !wait.spent()) {
        const std::uint64_t epoch = way->link ? way->link->epoch() : 0;
        PurgeRun how;
        how.deadline = wait.deadline();
        how.token = std::move(token);
        how.tell = PurgeRun::Tell::others;
        done = co_await run_purges(*way, items, how);
        // Acknowledged by a server that is no longer the one: that proves nothing.
        done = done && (!way->link || epoch == impl_->shared.node().epochs().current());
    }
    impl_->observed(RedisOperation::purge, wait.began());
    if (done) impl_->shared.reporter().works(RedisWork::purge);
    if (done && !ended.empty()) impl_->holds.erase(ended);
    if (done) co_return store::PurgeOutcome::done;
    impl_->shared.journal().add(items);
    impl_->shared.wake_maintenance();
    co_return store::PurgeOutcome::pending;
}

}  // namespace larder::redis
