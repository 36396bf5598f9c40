#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "net/detached.hpp"
#include "redis/ids.hpp"
#include "redis/leasing.hpp"
#include "redis/scripts.hpp"

// What becomes of a lease while its fetch is under way, and how its lock is given back.
namespace larder::redis {
using namespace std::chrono_literals;
namespace {

using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

constexpr Milliseconds uncacheable_for = 3s;
constexpr Milliseconds free_again = 50ms;  // after the connection was lost

/// Until it is done, or the lock has ended by itself.
Task<void> free_lock(RedisWay way, std::shared_ptr<std::atomic<bool>> stopped, std::string channel,
                     std::string lock_key, std::string guard_key, std::string token, LeaseEnd end) {
    const auto executor = co_await boost::asio::this_coro::executor;
    Timer pause(executor);
    const SteadyTime give_up = steady_now() + lock_lifetime;
    while (steady_now() < give_up && !*stopped) {
        const RedisBatchPointer batch = std::make_shared<RedisBatch>();
        // After a stall the command still runs in its turn: it need not be sent again.
        batch->deadline = give_up;
        batch->needs = RedisBatch::Needs::connection;  // also behind what a stalled
                                                       // connection still has to do
        batch->commands.run(script::release, "2", lock_key, guard_key, token,
                            end == LeaseEnd::uncacheable ? "u" : "", uncacheable_for.count(),
                            channel, guard_lifetime.count());
        co_await way.run(batch);
        if (batch->status == RedisBatch::Status::ok) co_return;
        pause.expires_after(free_again);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    }
}

}  // namespace

void RedisStore::Impl::give_back(const Lease& lease, LeaseEnd end) {
    net::start_detached(context.get_executor(),
                        free_lock(way(), stopped, shared.keys().news(), lease.lock_key,
                                  lease.guard_key, lease.token, end),
                        "giving a lock back");
}

// Redis may have given us the lock though its answer did not come, or something else was in the
// way: this fetch will not store, and nobody should wait for it.
void RedisStore::Impl::give_back_unless_mine(bool maybe_set, const Lease& lease) {
    const bool mine = lease.state == RedisState::ok && lease.lock == Lease::Lock::mine;
    if (maybe_set && !mine && !lease.lock_key.empty()) give_back(lease, LeaseEnd::unstored);
}

Task<bool> RedisStore::still_current(EntryName name, Lease lease, RedisBudget& budget) {
    if (!impl_->may_read(name.key) || lease.epoch != impl_->node_of(name.key).epochs().current())
        co_return false;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    if (wait.spent()) co_return false;
    if (lease.guard.empty()) {
        const bool heard = co_await impl_->hear_all(lease, wait.deadline());
        co_return heard;
    }
    const RedisKeys& keys = impl_->shared.keys();
    EntryLookup lookup(name, keys);
    lookup.everything = impl_->shared.node().everything_id();
    const RedisBatchPointer batch =
        impl_->new_batch_of(name.key, lease.epoch, wait.deadline(), RedisWork::store);
    ask_guard(batch->commands, keys, name.key);
    const std::size_t first_id = batch->commands.count();
    for (const std::string& id_key : lookup.id_keys) batch->commands.add("GET", id_key);
    const std::size_t ids = lookup.id_count();
    if (lookup.everything == 0) batch->commands.add("GET", keys.everything(lookup.entry_key));
    co_await impl_->run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    if (lookup.everything == 0)
        lookup.everything = parse_id(batch->replies.back().text).value_or(0);
    bool current =
        guard_stands(batch->replies.data(), lease.guard, lease.soft_id) && lease.tags.size() == ids;
    current = current && lookup.everything == lease.everything;
    for (std::size_t i = 0; current && i < ids; ++i)
        current = batch->replies[first_id + i].is_text() &&
                  batch->replies[first_id + i].text == lease.tags[i].id;
    co_return current;
}

Task<bool> RedisStore::Impl::hear_all(const Lease& lease, SteadyTime deadline) {
    const std::uint64_t since = lease.heard_by;
    const SteadyTime asked = steady_now();
    Timer pause(context);
    while (since != 0 && heard_by() == since && shared.fleet().heard_until() <= asked) {
        if (!shared.fleet().has_subscribers() || steady_now() >= deadline) co_return false;
        shared.fleet().prove_subscribers();
        pause.expires_after(1ms);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    }
    // Another subscriber knows nothing of what came before it.
    co_return since != 0 && heard_by() == since;
}

LeaseHold RedisStore::hold(std::shared_ptr<const Lease> lease) {
    if (lease->state != RedisState::ok || lease->lock != Lease::Lock::mine)
        return {std::move(lease), nullptr};
    const auto give_back = [store = std::weak_ptr<Impl>(impl_)](const Lease& held, LeaseEnd end) {
        const std::shared_ptr<Impl> impl = store.lock();
        if (!impl || (!impl->in_cluster() && impl->connected() == nullptr)) return;
        net::run_guarded(impl->context, "giving a lease back", [&] { impl->give_back(held, end); });
    };
    return {std::move(lease), give_back};
}

void RedisStore::prolong(const Lease& lease) {
    if (lease.guard.empty() || lease.held) return;
    if (!impl_->in_cluster() && impl_->connected() == nullptr) return;
    const bool locked = lease.lock == Lease::Lock::mine;
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->timeout();
    batch->commands.run(script::prolong, "2", lease.guard_key,
                        locked ? lease.lock_key : lease.guard_key, lease.guard,
                        guard_lifetime.count(), locked ? lease.token : std::string(),
                        lock_lifetime.count());
    impl_->way().send(batch);
}

}  // namespace larder::redis
