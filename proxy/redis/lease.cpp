#include <optional>

#include "base/hex.hpp"
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

/// One round trip: a plain try, or one by the script, which copes with everything. False: another
/// one is due.
Task<bool> try_once(Leasing& leasing, PlainTry* plain) {
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
    if (plain != nullptr) add_plain_try(batch->commands, keys, attempt, lease, *plain);
    const bool unnoticed = store.can_look_unnoticed(key);
    const bool marks_untracked = plain == nullptr && store.can_leave_untracked();
    if (marks_untracked) add_untracked(batch->commands);
    if (plain == nullptr) add_scripted_try(batch->commands, keys, attempt, lease, unnoticed);
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
    const RedisReply* replies = batch->replies.data() + (marks_untracked ? 1 : 0);
    if (plain != nullptr) co_return read_plain_try(attempt, replies, *plain, lease);
    co_return read_scripted_try(attempt, replies, lease);
}

/// Not `ok`: Redis cannot be asked for the key.
RedisState before_asking(RedisStore::Impl& store, std::string_view key,
                         const RedisBudget::Wait& wait) {
    if (!store.may_read(key)) return RedisState::down;
    return wait.spent() ? RedisState::timeout : RedisState::ok;
}

/// Takes guard and lock, or finds out who has the lock.
Task<void> take(Leasing& leasing, PlainTry* plain) {
    bool settled = false;
    if (plain != nullptr) settled = co_await try_once(leasing, plain);
    for (int tries = 0; tries < tries_max && !settled; ++tries)
        settled = co_await try_once(leasing, nullptr);
}

}  // namespace

/// Gets or makes the ids before the lock is asked for, which names them.
Task<RedisState> RedisStore::Impl::make_ids(EntryLookup& lookup, SteadyTime deadline) {
    const RedisBatchPointer batch = new_batch(deadline, RedisWork::store);
    lookup.everything = shared.node().everything_id();
    add_ids(batch->commands, shared.keys(), lookup);
    if (batch->commands.count() == 0) co_return RedisState::ok;
    co_await run(batch);
    if (batch->status == RedisBatch::Status::ok) read_made_ids(lookup, batch->replies.data());
    co_return to_state(batch->status);
}

void RedisStore::Impl::remember_ids(const EntryLookup& lookup) {
    for (std::size_t i = 0; i < lookup.ids.size(); ++i)
        seen_ids.note(lookup.id_keys[i], hard_part(lookup.ids[i]));
    if (!shared.node().knows_everything_id())
        seen_ids.note(shared.keys().everything(lookup.entry_key), hex_of(lookup.everything));
}

Task<Lease> RedisStore::lease(EntryName name, LeaseWish wish, RedisBudget& budget) {
    Lease lease;
    lease.sequence = impl_->shared.generations().now();
    const RedisBudget::Wait wait(budget, impl_->timeout());
    lease.state = before_asking(*impl_, name.key, wait);
    if (lease.state != RedisState::ok) co_return lease;
    lease.heard_by = impl_->heard_by();
    const RedisKeys& keys = impl_->shared.keys();
    const std::string token = random_id();
    lease.guard_key = keys.guard(name.key);
    if (wish.lock) lease.token = token;
    Leasing leasing{
        *impl_, {EntryLookup(name, keys), std::move(wish.ids.digest), {}}, lease, wait.deadline()};
    Attempt& attempt = leasing.attempt;
    const std::string& host_variant = attempt.lookup.host_variant;
    if (wish.lock) lease.lock_key = keys.lock(name.key, lock_part(name, host_variant));
    attempt.lookup.ids = std::move(wish.ids.ids);
    attempt.lookup.everything = wish.ids.everything;
    const SteadyTime now = steady_now();
    const bool seen = wish.ids.everything != 0;
    std::optional<PlainTry> plain;
    if (seen && wish.ids.key_absent && !impl_->guards.holds(name.key, now))
        plain = plain_after_lookup(attempt, token);
    impl_->guards.note(name.key, now + guard_lifetime);
    attempt.asks = attempt.digest.empty();
    if (attempt.asks && wish.lock) {
        lease.state = co_await impl_->make_ids(attempt.lookup, wait.deadline());
        attempt.digest = attempt.lookup.digest();
    }
    if (attempt.digest.empty()) attempt.digest = no_digest;
    PlainTry* const first = plain ? &*plain : nullptr;
    if (lease.state == RedisState::ok) co_await take(leasing, first);
    impl_->observed(RedisOperation::lease, wait.began());
    impl_->give_back_unless_mine(attempt.set_lock || lease.state != RedisState::ok, lease);
    if (lease.state == RedisState::ok) take_ids(attempt.lookup, lease);
    if (lease.state == RedisState::ok) impl_->remember_ids(attempt.lookup);
    co_return lease;
}

Task<Lease> RedisStore::lease_absent(EntryName name, RedisBudget& budget) {
    Lease lease;
    lease.sequence = impl_->shared.generations().now();
    const RedisBudget::Wait wait(budget, impl_->timeout());
    lease.state = before_asking(*impl_, name.key, wait);
    if (lease.state != RedisState::ok) co_return lease;
    lease.heard_by = impl_->heard_by();
    const SteadyTime now = steady_now();
    if (impl_->guards.holds(name.key, now)) co_return lease;
    const RedisKeys& keys = impl_->shared.keys();
    Leasing leasing{*impl_, {EntryLookup(name, keys), {}, {}}, lease, wait.deadline()};
    Attempt& attempt = leasing.attempt;
    attempt.asks = false;
    attempt.lookup.everything = impl_->shared.node().everything_id();
    const std::string token = random_id();
    std::optional<PlainTry> plain = plain_without_lookup(attempt, token, keys, impl_->seen_ids);
    if (!plain) co_return lease;
    impl_->guards.note(name.key, now + guard_lifetime);
    lease.token = token;
    lease.guard_key = keys.guard(name.key);
    lease.lock_key = keys.lock(name.key, lock_part(name, attempt.lookup.host_variant));
    plain->untracked = impl_->can_look_unnoticed(name.key);
    const bool settled = co_await try_once(leasing, &*plain);
    impl_->observed(RedisOperation::lease, wait.began());
    if (!settled) lease.lock = Lease::Lock::none;
    impl_->give_back_unless_mine(attempt.set_lock || lease.state != RedisState::ok, lease);
    if (lease.lock == Lease::Lock::mine) take_ids(attempt.lookup, lease);
    if (lease.state == RedisState::ok) impl_->remember_ids(attempt.lookup);
    co_return lease;
}

}  // namespace larder::redis
