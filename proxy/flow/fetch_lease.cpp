#include "flow/fetch_lease.hpp"

#include "cache/freshness.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/run_fetch.hpp"
#include "flow/store_fetched.hpp"

namespace larder::flow {
namespace {

constexpr Milliseconds prolong_every{1500};
// Without the lock there is only the guard to be kept, which lives for a minute.
constexpr Milliseconds prolong_guard_every{20'000};

void prolong_later(FetchTask& task) {
    const bool has_lock = task.lease->lock == redis::Lease::Lock::mine;
    task.prolong_at.set(steady_now() + (has_lock ? prolong_every : prolong_guard_every));
}

}  // namespace

void prolong_lease(void* owner) {
    FetchTask& task = *static_cast<FetchTask*>(owner);
    if (task.services.wheel.stopped()) return;
    prolong_later(task);
    task.services.redis->prolong(*task.lease);
}

bool answers_fetch(const FetchTask& task, const cache::StoredResponse& entry, bool soft_purged) {
    if (soft_purged || !cache::accepts_coding(task.request.head(), entry)) return false;
    if (!task.stale) return usable_by_waiters(task, entry);
    // After the clock was set back, a newer entry may have an earlier time.
    const bool clock_set_back = cache::is_from_the_future(task.stale->freshness(), wall_now());
    if (!clock_set_back && entry.received_at() <= task.stale->received_at()) return false;
    return cache::decide_reuse(entry, task.plan.directives, task.plan.personal, false,
                               wall_now()) == cache::Verdict::serve;
}

namespace {

// What was found after the lease was taken.
enum class UnderLease : std::uint8_t {
    nothing,  // ask the origin
    entry,    // an entry that makes the fetch unnecessary
    variant,  // the variant is known now, and it has another lock
};

// A stale entry may be revalidated only if it is still there. It may have been purged while this
// fetch waited, and a 304 from the origin must not bring it back.
net::Task<UnderLease> look_under_lease(FetchTask& task) {
    if (task.shadow || (!task.lease->entry_there && !task.stale)) co_return UnderLease::nothing;
    const bool asked_conditionally = task.stale != nullptr;
    redis::Found found;
    if (task.lease->entry_there)
        found = co_await task.services.redis->find(task.name(), task.budget);
    task.too_slow = found.too_slow;
    if (found.entry && answers_fetch(task, *found.entry, found.soft_purged)) {
        task.lease.give_back(redis::LeaseEnd::unstored);
        task.fetch->resolve(found.entry, store::Resolution::found);
        co_return UnderLease::entry;
    }
    if (asked_conditionally) {
        task.stale = found.entry;
        task.soft_purged = found.soft_purged;
    }
    if (!task.shared || !task.variant.empty() || found.variant.empty())
        co_return UnderLease::nothing;
    // Meanwhile another instance fetched another variant, so now it is known what the response
    // varies on.
    task.variant = found.variant;
    task.ids = found.ids ? *std::move(found.ids) : redis::KnownIds();
    co_return UnderLease::variant;
}

net::Task<void> ask_for_lease(FetchTask& task) {
    redis::RedisStore::LeaseWish wish;
    wish.lock = task.shared;
    wish.ids = std::exchange(task.ids, {});
    redis::Lease lease = co_await task.services.redis->lease(task.name(), wish, task.budget);
    task.lease = task.services.redis->hold(std::make_shared<const redis::Lease>(std::move(lease)));
}

}  // namespace

net::Task<bool> take_lease(FetchTask& task) {
    const SteadyTime give_up = steady_now() + task.plan.route->rule.wait;
    while (true) {
        // The lookup may have taken it.
        if (!task.lease.has_lock()) co_await ask_for_lease(task);
        if (task.shared) prolong_later(task);
        // From here on an entry may be found that is older than a purge. Requests that join later
        // check the lease for that.
        task.fetch->set_lease(task.lease.shared());
        if (task.lease->state != redis::RedisState::ok) {
            task.stale.reset();
            co_return true;
        }
        const UnderLease there = co_await look_under_lease(task);
        if (there == UnderLease::entry) co_return false;
        if (there == UnderLease::variant) {
            task.lease.give_back(redis::LeaseEnd::unstored);
            continue;
        }
        if (task.lease->lock == redis::Lease::Lock::uncacheable) task.fetch->release_waiters();
        if (task.lease->lock != redis::Lease::Lock::theirs || steady_now() >= give_up)
            co_return true;
        const redis::RedisStore::Waited waited =
            co_await task.services.redis->wait_for_other(task.name(), give_up);
        if (waited.entry && usable_by_waiters(task, *waited.entry)) {
            task.fetch->resolve(waited.entry, store::Resolution::joined);
            co_return false;
        }
        if (waited.uncacheable) task.fetch->release_waiters();
        if (waited.state != redis::RedisState::ok || waited.timed_out || waited.uncacheable ||
            waited.entry)
            co_return true;
    }
}

}  // namespace larder::flow
