#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "net/detached.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"
#include "redis/store_impl.hpp"

// A lease: the guard under which a fill may store, and the lock that makes one fetch of many. The
// lock names the guard and the ids (their digest) it was taken under, so that nobody waits behind a
// fetch from before a purge.
namespace larder::redis {
using namespace std::chrono_literals;
namespace {

using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

constexpr Milliseconds guard_lifetime = 60s;
constexpr Milliseconds lock_lifetime = 5s;  // so that a dead instance's lock is soon free
constexpr Milliseconds uncacheable_for = 3s;
constexpr Milliseconds free_again = 50ms;  // after the connection was lost
constexpr std::size_t digest_at = 17;      // in "guard:digest:token"

std::string_view digest_in(std::string_view lock) {
    return lock.size() > digest_at ? lock.substr(digest_at, no_digest.size()) : std::string_view{};
}

/// Adds the commands that get or make the ids that an entry of this name carries, and the id of all
/// entries where it is unknown.
void add_ids(RedisCommands& commands, const RedisKeys& keys, const EntryLookup& lookup) {
    const EntryName& name = lookup.name;
    const auto get_or_make = [&](const std::string& id_key) {
        commands.add("SET", id_key, random_id(), "NX", "PX", id_lifetime.count())
            .add("GET", id_key);
    };
    for (const std::string& tag : name.tags) get_or_make(keys.tag(tag));
    if (lookup.extended()) get_or_make(keys.extension(name.key.substr(0, name.bare_size)));
    if (lookup.everything != 0) return;
    const std::string& everything = keys.everything(keys.entry(name.key));
    commands.add("SET", everything, random_id(), "NX").add("GET", everything);
}

/// Their replies. An id that is missing (a full Redis), or somebody else's, is empty.
void read_made_ids(EntryLookup& lookup, const RedisKeys& keys, const RedisReply* replies) {
    const std::size_t count = lookup.name.tags.size() + (lookup.extended() ? 1 : 0);
    lookup.ids.clear();
    lookup.foreign_id.clear();
    for (std::size_t i = 0; i < count; ++i, replies += 2) {
        const RedisReply& id = replies[1];
        const bool own = id.is_text() && is_own_id(id.text);
        lookup.ids.push_back(own ? id.text : std::string());
        if (own || !(id.is_text() || id.is_error("WRONGTYPE"))) continue;
        const bool is_tag = i < lookup.name.tags.size();
        lookup.foreign_id = is_tag
                                ? keys.tag(lookup.name.tags[i])
                                : keys.extension(lookup.name.key.substr(0, lookup.name.bare_size));
    }
    if (lookup.everything == 0 && replies[1].is_text())
        lookup.everything = parse_id(replies[1].text).value_or(0);
}

/// Copies the ids into the lease. If one is missing the lease gets none, because the entry could
/// not be stored without it.
void take_ids(const EntryLookup& lookup, Lease& lease) {
    lease.everything = lookup.everything;
    lease.tags.clear();
    const bool complete = std::none_of(lookup.ids.begin(), lookup.ids.end(),
                                       [](const std::string& id) { return id.empty(); });
    for (std::size_t i = 0; complete && i < lookup.ids.size(); ++i) {
        const bool is_tag = i < lookup.name.tags.size();
        lease.tags.push_back(
            {is_tag ? lookup.name.tags[i] : std::string(extension_name), lookup.ids[i]});
        lease.held |= is_held(lookup.ids[i]);
    }
    if (!complete) lease.everything = 0;
    if (lease.foreign_key.empty()) lease.foreign_key = lookup.foreign_id;
}

/// What is known before a try at the lock, and is learned from it.
struct Attempt {
    EntryLookup lookup;
    std::string digest;  ///< of the ids as they were seen last
    std::string dead;    ///< the lock that is to be replaced; empty: none is known to be dead
    bool asks = true;    ///< for the ids; not where the lookup before has seen them
};

/// The commands of a try.
void add_attempt(RedisCommands& commands, const RedisKeys& keys, const Attempt& attempt,
                 const Lease& lease, std::uint64_t known_clock) {
    const std::string_view key = attempt.lookup.name.key;
    const std::string guard_key = keys.guard(key);
    commands.run(script::lease, "3", guard_key, lease.lock_key.empty() ? guard_key : lease.lock_key,
                 keys.entry(key), random_id(), guard_lifetime.count(), lease.token,
                 lock_lifetime.count(), attempt.digest, attempt.dead, keys.news());
    if (attempt.asks) add_ids(commands, keys, attempt.lookup);
    if (known_clock == 0) commands.run(script::clock, "1", keys.clock());
}

/// Reads the reply of script::lease. False: the lock was taken under other ids than the caller
/// knows, so another try is due.
bool read_lease(Attempt& attempt, const RedisReply& answer, Lease& lease) {
    lease.guard = answer.items[0].text;
    lease.held = is_held(lease.guard);
    lease.soft_id = answer.items[2].text;
    lease.entry_there = answer.items[3].integer == 1;
    const std::string& word = answer.items[1].text;
    const std::string& lock = answer.items[4].text;
    const std::string digest = attempt.lookup.digest();
    const bool outdated = !digest.empty() && digest != attempt.digest;
    if (word == "none") return true;
    if (word == "u") lease.lock = Lease::Lock::uncacheable;
    if (word == "theirs" || word == "other") lease.lock = Lease::Lock::theirs;
    if (word == "mine") lease.lock = Lease::Lock::mine;
    if (word == "other" && (digest.empty() || digest_in(lock) == digest)) return true;
    // The ids of the lookup may be older than the lock's: only new ones tell.
    if (word == "other" && !std::exchange(attempt.asks, true)) return false;
    if (word == "other") attempt.dead = lock;
    // The lock is ours, but it names ids from before a purge: others would take it for dead.
    if (word == "mine" && outdated)
        attempt.dead = lease.guard + ":" + attempt.digest + ":" + lease.token;
    if (word != "other" && !(word == "mine" && outdated)) return true;
    attempt.digest = digest;
    return false;
}

/// Until it is done, or the lock has ended by itself.
Task<void> free_lock(RedisWay way, std::shared_ptr<std::atomic<bool>> stopped, std::string channel,
                     Milliseconds timeout, std::string lock_key, std::string token, LeaseEnd end) {
    const auto executor = co_await boost::asio::this_coro::executor;
    Timer pause(executor);
    const SteadyTime give_up = steady_now() + lock_lifetime;
    while (steady_now() < give_up && !*stopped) {
        const RedisBatchPointer batch = std::make_shared<RedisBatch>();
        batch->deadline = steady_now() + timeout;
        batch->needs = RedisBatch::Needs::connection;  // also behind what a stalled
                                                       // connection still has to do
        batch->commands.run(script::release, "1", lock_key, token,
                            end == LeaseEnd::uncacheable ? "u" : "", uncacheable_for.count(),
                            channel);
        co_await way.run(batch);
        if (batch->status == RedisBatch::Status::ok) co_return;
        pause.expires_after(free_again);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    }
}

}  // namespace

void RedisStore::Impl::give_back(const std::string& lock_key, const std::string& token,
                                 LeaseEnd end) {
    net::start_detached(
        context.get_executor(),
        free_lock(way(), stopped, shared.keys().news(), timeout(), lock_key, token, end),
        "giving a lock back");
}

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
    const RedisKeys& keys = impl_->shared.keys();
    RedisNode& clock_node = impl_->shared.node_of(keys.clock());
    KnownValue& clock = clock_node.purge_clock();
    Attempt attempt{EntryLookup(name), {}, {}};
    lease.state = RedisState::ok;
    if (wish.lock) {
        lease.token = random_id();
        lease.lock_key = keys.lock(name.key, lock_part(name));
    }
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
    bool settled = false;
    for (int tries = 0; tries < 4 && !settled && lease.state == RedisState::ok; ++tries) {
        lease.epoch = impl_->node_of(name.key).epochs().cleared();
        lease.clock_epoch = clock_node.epochs().cleared();
        const RedisBatchPointer batch =
            impl_->new_batch_of(name.key, lease.epoch, wait.deadline(), RedisWork::store);
        if (attempt.asks) attempt.lookup.everything = impl_->shared.node().everything_id();
        const std::uint64_t version = clock.version();
        lease.clock = clock.get();
        const bool asks_ids = attempt.asks;
        add_attempt(batch->commands, keys, attempt, lease, lease.clock);
        // Without the clock all can be stored but what carries tags of the response.
        if (lease.clock == 0) batch->optional_from = batch->commands.count() - 1;
        co_await impl_->run(batch);
        lease.state = to_state(batch->status);
        if (lease.state != RedisState::ok) break;
        if (asks_ids) read_made_ids(attempt.lookup, keys, batch->replies.data() + 1);
        const RedisReply& answer = batch->replies[0];
        settled = answer.items.size() != 6;  // no guard: the fetch is made, and not stored
        if (!settled) {
            settled = read_lease(attempt, answer, lease);
            lease.foreign_type = answer.items[5].text;
            if (!lease.foreign_type.empty())
                lease.foreign_key =
                    lease.guard.empty() ? keys.guard(name.key) : keys.entry(name.key);
        }
        const RedisReply& last = batch->replies.back();
        if (lease.clock == 0 && last.is_text()) {
            lease.clock = parse_decimal(last.text).value_or(0);
            clock.set(lease.clock, version);
        }
    }
    impl_->observed(RedisOperation::lease, wait.began());
    // Redis may have given us the lock all the same. Give it back: this fetch will not store, and
    // nobody should wait for it.
    if (lease.state != RedisState::ok && wish.lock)
        impl_->give_back(lease.lock_key, lease.token, LeaseEnd::unstored);
    if (lease.state == RedisState::ok) take_ids(attempt.lookup, lease);
    co_return lease;
}

Task<bool> RedisStore::still_current(EntryName name, Lease lease, RedisBudget& budget) {
    if (!impl_->may_read(name.key) || lease.epoch != impl_->node_of(name.key).epochs().current())
        co_return false;
    const RedisBudget::Wait wait(budget, impl_->timeout());
    if (wait.spent()) co_return false;
    if (lease.guard.empty()) {
        const bool heard = co_await impl_->hear_all(wait.deadline());
        co_return heard;
    }
    EntryLookup lookup(name);
    lookup.everything = impl_->shared.node().everything_id();
    const RedisKeys& keys = impl_->shared.keys();
    const RedisBatchPointer batch =
        impl_->new_batch_of(name.key, lease.epoch, wait.deadline(), RedisWork::store);
    batch->commands.add("GET", keys.guard(name.key));
    for (const std::string& tag : name.tags) batch->commands.add("GET", keys.tag(tag));
    if (lookup.extended())
        batch->commands.add("GET", keys.extension(name.key.substr(0, name.bare_size)));
    const std::size_t ids = batch->commands.count() - 1;
    if (lookup.everything == 0) batch->commands.add("GET", keys.everything(keys.entry(name.key)));
    co_await impl_->run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    if (lookup.everything == 0)
        lookup.everything = parse_id(batch->replies.back().text).value_or(0);
    const RedisReply& guard = batch->replies.front();
    bool current = guard.is_text() && guard.text == lease.guard && lease.tags.size() == ids;
    current = current && lookup.everything == lease.everything;
    for (std::size_t i = 0; current && i < ids; ++i)
        current = batch->replies[i + 1].is_text() && batch->replies[i + 1].text == lease.tags[i].id;
    co_return current;
}

Task<bool> RedisStore::Impl::hear_all(SteadyTime deadline) {
    const SteadyTime asked = steady_now();
    Timer pause(context);
    while (shared.fleet().heard_until() <= asked) {
        if (!shared.fleet().has_subscribers() || steady_now() >= deadline) co_return false;
        shared.fleet().prove_subscribers();
        pause.expires_after(1ms);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    }
    co_return true;
}

LeaseHold RedisStore::hold(Lease lease) {
    if (lease.state != RedisState::ok || lease.lock != Lease::Lock::mine)
        return {std::move(lease), nullptr};
    const auto give_back = [store = std::weak_ptr<Impl>(impl_)](const Lease& held, LeaseEnd end) {
        const std::shared_ptr<Impl> impl = store.lock();
        if (!impl || (!impl->in_cluster() && impl->connected() == nullptr)) return;
        net::run_guarded(impl->context, "giving a lease back",
                         [&] { impl->give_back(held.lock_key, held.token, end); });
    };
    return {std::move(lease), give_back};
}

void RedisStore::prolong(std::string_view key, const Lease& lease) {
    if (lease.guard.empty() || lease.held) return;
    if (!impl_->in_cluster() && impl_->connected() == nullptr) return;
    const std::string guard_key = impl_->shared.keys().guard(key);
    const bool locked = lease.lock == Lease::Lock::mine;
    const RedisBatchPointer batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + impl_->timeout();
    batch->commands.run(script::prolong, "2", guard_key, locked ? lease.lock_key : guard_key,
                        lease.guard, guard_lifetime.count(), locked ? lease.token : std::string(),
                        lock_lifetime.count());
    impl_->way().send(batch);
}

}  // namespace larder::redis
