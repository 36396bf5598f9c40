#include "redis/ids.hpp"
#include "redis/leasing.hpp"
#include "redis/scripts.hpp"

// A lease: the guard under which a fill may store, and the lock that makes one fetch of many. The
// lock names the guard and the ids (their digest) it was taken under, so that nobody waits behind a
// fetch from before a purge.
namespace larder::redis {
namespace {

constexpr int tries_max = 4;

/// Everything that one lease needs from step to step.
struct Leasing {
    RedisStore::Impl& store;
    Attempt attempt;
    Lease& lease;
    SteadyTime deadline;
};

/// How a try is made.
enum class Way : std::uint8_t {
    plain,     // with plain commands, which must find nothing there
    scripted,  // by the script, which copes with everything
};

/// One round trip. False: another one is due.
Task<bool> try_once(Leasing& leasing, Way way) {
    RedisStore::Impl& store = leasing.store;
    Attempt& attempt = leasing.attempt;
    Lease& lease = leasing.lease;
    const RedisKeys& keys = store.shared.keys();
    const std::string_view key = attempt.lookup.name.key;
    RedisNode& clock_node = store.shared.node_of(keys.clock());
    KnownValue& clock = clock_node.purge_clock();
    lease.epoch = store.node_of(key).epochs().cleared();
    lease.clock_epoch = clock_node.epochs().cleared();
    const RedisBatchPointer batch =
        store.new_batch_of(key, lease.epoch, leasing.deadline, RedisWork::store);
    if (attempt.asks) attempt.lookup.everything = store.shared.node().everything_id();
    const std::uint64_t version = clock.version();
    lease.clock = clock.get();
    const std::string guard = random_id();
    if (way == Way::plain) add_plain_try(batch->commands, keys, attempt, lease, guard);
    if (way == Way::scripted) add_scripted_try(batch->commands, keys, attempt, lease);
    // Without the clock all can be stored but what carries tags of the response.
    if (lease.clock == 0) batch->optional_from = batch->commands.count();
    if (lease.clock == 0) batch->commands.run(script::clock, "1", keys.clock());
    co_await store.run(batch);
    lease.state = to_state(batch->status);
    if (lease.state != RedisState::ok) co_return true;
    const RedisReply& last = batch->replies.back();
    if (lease.clock == 0 && last.is_text()) {
        lease.clock = parse_decimal(last.text).value_or(0);
        clock.set(lease.clock, version);
    }
    const RedisReply* replies = batch->replies.data();
    if (way == Way::plain) co_return read_plain_try(attempt, replies, guard, lease);
    co_return read_scripted_try(keys, attempt, replies, lease);
}

/// Takes guard and lock, or finds out who has the lock.
Task<void> take(Leasing& leasing, bool key_absent) {
    const std::string_view key = leasing.attempt.lookup.name.key;
    KnownUntil& guards = leasing.store.guards;
    const SteadyTime now = steady_now();
    // Where the ids are not known, a try must ask for them too.
    const bool plain = key_absent && !leasing.attempt.asks && !guards.holds(key, now);
    guards.note(key, now + guard_lifetime);
    bool settled = false;
    if (plain) settled = co_await try_once(leasing, Way::plain);
    for (int tries = 0; tries < tries_max && !settled; ++tries)
        settled = co_await try_once(leasing, Way::scripted);
}

}  // namespace

/// Gets or makes the ids before the lock is asked for, which names them.
Task<RedisState> RedisStore::Impl::make_ids(EntryLookup& lookup, SteadyTime deadline) {
    const RedisBatchPointer batch = new_batch(deadline, RedisWork::store);
    lookup.everything = shared.node().everything_id();
    add_ids(batch->commands, shared.keys(), lookup);
    if (batch->commands.count() == 0) co_return RedisState::ok;
    co_await run(batch);
    if (batch->status == RedisBatch::Status::ok)
        read_made_ids(lookup, shared.keys(), batch->replies.data());
    co_return to_state(batch->status);
}

Task<Lease> RedisStore::lease(EntryName name, LeaseWish wish, RedisBudget& budget) {
    Lease lease;
    lease.state = RedisState::down;
    lease.sequence = impl_->shared.generations().now();
    if (!impl_->may_read(name.key)) co_return lease;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    lease.state = RedisState::timeout;
    if (wait.spent()) co_return lease;
    lease.state = RedisState::ok;
    if (wish.lock) {
        lease.token = random_id();
        lease.lock_key = impl_->shared.keys().lock(name.key, lock_part(name));
    }
    Leasing leasing{*impl_, {EntryLookup(name), {}, {}}, lease, wait.deadline()};
    Attempt& attempt = leasing.attempt;
    if (!wish.ids.digest.empty()) {
        attempt.asks = false;
        attempt.digest = std::move(wish.ids.digest);
        attempt.lookup.ids = std::move(wish.ids.ids);
        attempt.lookup.everything = wish.ids.everything;
    } else if (wish.lock) {
        lease.state = co_await impl_->make_ids(attempt.lookup, wait.deadline());
        attempt.digest = attempt.lookup.digest();
    }
    if (attempt.digest.empty()) attempt.digest = no_digest;
    if (lease.state == RedisState::ok) co_await take(leasing, wish.ids.key_absent);
    impl_->observed(RedisOperation::lease, wait.began());
    // Redis may have given us the lock all the same. Give it back: this fetch will not store, and
    // nobody should wait for it.
    const bool left_behind = attempt.set_lock && lease.lock != Lease::Lock::mine;
    if (wish.lock && (lease.state != RedisState::ok || left_behind))
        impl_->give_back(lease.lock_key, lease.token, LeaseEnd::unstored);
    if (lease.state == RedisState::ok) take_ids(attempt.lookup, lease);
    co_return lease;
}

}  // namespace larder::redis
