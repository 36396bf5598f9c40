#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/pass_through.hpp"
#include "flow/read_plan.hpp"
#include "flow/run_fetch.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using cache::Verdict;
using cache::XCache;

// What both tiers have for the request.
struct Lookup {
    redis::RedisState state = redis::RedisState::ok;
    cache::Stored entry;
    bool soft_purged = false;
    bool other_variant = false;
    std::string variant{};  // as redis::Found
    std::string digest{};   // of the ids that Redis has shown
    bool asked = false;     // fresh, but not for this client's Cache-Control
};

Joining joining_of(const store::FetchPtr& fetch, bool own, const Lookup& found) {
    Joining joining;
    joining.fetch = fetch;
    joining.own = own;
    joining.stale = found.entry;
    joining.expired = found.entry != nullptr;
    joining.other_variant = found.other_variant;
    joining.asked = found.asked;
    joining.soft_purged = found.soft_purged;
    return joining;
}

net::Task<Lookup> look_up(Client& client, const ReadPlan& plan, redis::RedisBudget& budget) {
    Exchange& exchange = client.exchange();
    const store::MemoryHit hit = client.services.memory.find(
        exchange.key, exchange.request, plan.with_host, plan.route->rules, steady_now());
    if (hit.entry) co_return Lookup{redis::RedisState::ok, hit.entry, hit.soft_purged, false};
    if (!client.services.redis)
        co_return Lookup{redis::RedisState::ok, nullptr, false, hit.other_variant};
    const redis::EntryName name = entry_name(exchange, plan);
    const redis::Found found = co_await client.services.redis->find(name, budget);
    if (found.entry && !found.soft_purged && plan.route->rule.memory) {
        const std::size_t rule_guards =
            store::guard_count(name.key, name.bare_size, name.tags.size());
        client.services.memory.insert(exchange.key, found.entry,
                                      {plan.route->rules, found.entry->sequence, rule_guards});
    }
    co_return Lookup{found.state,       found.entry,
                     found.soft_purged, found.other_variant || hit.other_variant,
                     found.variant,     found.digest};
}

void set_missed(Exchange& exchange, bool expired, bool other_variant) {
    exchange.outcome = {};
    exchange.outcome.x_cache = expired ? XCache::expired : XCache::miss;
    exchange.outcome.forward = expired         ? Forward::stale
                               : other_variant ? Forward::vary_miss
                                               : Forward::uri_miss;
}

bool known_uncacheable(Client& client) {
    Exchange& exchange = client.exchange();
    const std::uint64_t* since = client.services.uncacheable.find(
        uncacheable_hash(exchange.key, *exchange.match.route), exchange.began);
    if (!since) return false;
    const std::uint32_t slot = store::Generations::slot_of_key(exchange.key);
    return client.services.generations.valid({&slot, 1}, *since);
}

store::Guards guards_of(Client& client, const ReadPlan& plan) {
    const redis::EntryName name = entry_name(client.exchange(), plan);
    return {client.services.generations.now(),
            store::guard_slots(name.key, name.bare_size, name.tags)};
}

// A purge came between the lookup and the position that the fetch noted: the origin is not to
// confirm what was purged. (With Redis the lease tells.)
bool was_purged(Client& client, const Lookup& found) {
    return found.entry && !client.services.redis &&
           !client.services.memory.may_serve(client.exchange().key, *found.entry);
}

// `variant`: where it is known which one is fetched.
void start(Client& client, const ReadPlan& plan, const store::FetchPtr& fetch, const Lookup& found,
           bool shared, const redis::RedisBudget& budget, std::string_view variant = {}) {
    store::FetchDuty duty(client.services.board, fetch);
    auto task = std::make_unique<FetchTask>(client, plan, std::move(duty));
    if (!was_purged(client, found)) task->stale = found.entry;
    task->soft_purged = found.soft_purged;
    task->shared = shared;
    task->digest = found.digest;
    task->variant = variant;
    task->budget = budget;
    if (plan.route->rule.shadow) {
        task->shadow = true;
        task->would_serve = found.entry;
        task->stale.reset();
    }
    start_fetch(std::move(task));
}

// One request refreshes in the background; all are served the stale entry meanwhile.
void refresh(Client& client, const ReadPlan& plan, const Lookup& found) {
    const std::string_view variant =
        found.entry->vary.empty() ? std::string_view{} : found.entry->variant;
    const store::FetchBoard::Place place = client.services.board.join_or_lead(
        client.exchange().key, fetch_name(client.exchange(), plan, variant),
        guards_of(client, plan));
    if (place.leads) start(client, plan, place.fetch, found, true, {}, variant);
}

// Fetches for this request alone: it carries credentials, or is only watched.
net::Task<void> fetch_alone(Client& client, ReadPlan plan, Lookup found,
                            redis::RedisBudget budget) {
    auto fetch = std::make_shared<store::Fetch>(client.exchange().key, std::string{},
                                                guards_of(client, plan));
    if (client.request().method == http::Method::head && was_purged(client, found)) {
        set_missed(client.exchange(), false, false);
        co_await pass_through(client, false);
        co_return;
    }
    start(client, plan, fetch, found, false, budget);
    const Joining joining = joining_of(fetch, true, found);
    const FetchAnswer answer = co_await answer_from_fetch(client, plan, joining);
    if (answer == FetchAnswer::sent) co_return;
    set_missed(client.exchange(), joining.expired, joining.other_variant);
    co_await pass_through(client, true);
}

// Another instance may have purged since the fetch began; this process need not have heard of it.
// The lease tells.
net::Task<bool> may_join(Client& client, ReadPlan plan, store::FetchPtr fetch,
                         redis::RedisBudget& budget) {
    if (!client.services.redis) co_return true;
    const std::shared_ptr<const redis::Lease> lease = fetch->lease();
    if (!lease) co_return true;
    const redis::EntryName name = entry_name(client.exchange(), plan);
    const bool current = co_await client.services.redis->still_current(name, *lease, budget);
    // Where Redis had no room for a guard, what was heard meanwhile tells.
    co_return current&& client.services.generations.valid(fetch->guards.slots,
                                                          fetch->guards.sequence);
}

// What a fetch that has ended, but for the store, brought: where it answers the request as a hit
// would.
cache::Stored entry_as_hit(Client& client, const ReadPlan& plan, const store::Fetch& fetch) {
    const store::FetchState state = fetch.state();
    if (state != store::FetchState::complete && state != store::FetchState::resolved)
        return nullptr;
    const cache::Stored entry = fetch.entry();
    if (!entry || cache::decide_reuse(*entry, plan.directives, plan.personal, false, wall_now()) !=
                      Verdict::serve)
        return nullptr;
    if (!cache::accepts_coding(client.request(), *entry)) return nullptr;
    std::string variant;
    cache::build_variant(client.request(), entry->vary, plan.with_host, variant);
    return variant == entry->variant ? entry : nullptr;
}

// A response that has begun, and that may not be reused without asking, is for those who asked
// before (RFC 9111, 4).
bool came_too_late(const store::Fetch& fetch) {
    switch (fetch.state()) {
        case store::FetchState::pending:
            return false;
        case store::FetchState::streaming:
            return fetch.head().shareable && !fetch.head().reusable;
        default:
            return true;
    }
}

// What the response turned out to vary on.
std::vector<std::string> learned_vary(const store::Fetch& fetch) {
    if (fetch.state() == store::FetchState::resolved) return fetch.entry()->vary;
    return fetch.head().vary;
}

net::Task<void> fetch_together(Client& client, ReadPlan plan, Lookup found,
                               redis::RedisBudget budget) {
    std::string variant =
        found.entry && !found.entry->vary.empty() ? found.entry->variant : found.variant;
    bool retried = false;
    bool learned = false;  // that another variant is wanted than the one that was fetched
    for (int attempt = 0; attempt < 4; ++attempt) {
        const std::string name =
            fetch_name(client.exchange(), plan, learned ? variant + '\n' : variant);
        const store::FetchBoard::Place place = client.services.board.join_or_lead(
            client.exchange().key, name, guards_of(client, plan));
        if (!place.leads) {
            const bool current = co_await may_join(client, plan, place.fetch, budget);
            if (!current) {
                client.services.board.leave(place.fetch);
                continue;
            }
            // A fetch that is complete but for the store is as good as a hit.
            const cache::Stored done = entry_as_hit(client, plan, *place.fetch);
            if (done) {
                const bool fine = co_await tags_current(client, place.fetch, budget);
                if (!fine) {
                    client.services.board.leave(place.fetch);
                    continue;
                }
                show_hit(client.exchange(), *done, XCache::hit, Detail::none, wall_now());
                co_await answer_from_entry(client, done);
                co_return;
            }
            if (came_too_late(*place.fetch)) {
                client.services.board.leave(place.fetch);
                continue;
            }
        }
        if (place.leads) start(client, plan, place.fetch, found, true, budget, variant);
        Joining joining = joining_of(place.fetch, place.leads, found);
        joining.retried = retried;
        joining.budget = &budget;
        const FetchAnswer answer = co_await answer_from_fetch(client, plan, joining);
        if (answer == FetchAnswer::sent) co_return;
        if (answer == FetchAnswer::alone) break;
        if (answer == FetchAnswer::purged) {
            client.services.board.leave(place.fetch);
            continue;
        }
        if (answer == FetchAnswer::failed) {
            retried = true;
            continue;
        }
        // A second variant fetched at the same time does not queue behind the first one's lock.
        cache::build_variant(client.request(), learned_vary(*place.fetch), plan.with_host, variant);
        learned = true;
    }
    set_missed(client.exchange(), found.entry != nullptr, found.other_variant);
    co_await pass_through(client, true);
}

net::Task<void> answer_missed(Client& client, ReadPlan plan, Lookup found,
                              redis::RedisBudget budget) {
    Exchange& exchange = client.exchange();
    set_missed(exchange, found.entry != nullptr, found.other_variant);
    if (plan.directives.only_if_cached) {
        co_await answer_error(client, 504, Detail::only_if_cached,
                              "nothing stored for this request", false);
        co_return;
    }
    // HEAD is answered from GET's entry; where there is none it goes on as it is, and plants
    // nothing.
    if (exchange.request.method == http::Method::head && found.entry && !plan.route->rule.shadow) {
        co_await fetch_alone(client, plan, std::move(found), budget);
        co_return;
    }
    if (exchange.request.method == http::Method::head) {
        co_await pass_through(client, false);
        co_return;
    }
    // What the origin answers can hardly be shared: the client's own condition or range saves the
    // body, as it would without a cache. Nothing is lost where it can be: a request without a
    // condition stores it.
    if (plan.personal != Detail::none && has_condition_or_range(exchange.request) && !found.entry &&
        !plan.route->rule.shadow) {
        exchange.outcome.detail = plan.personal;
        exchange.not_stored = plan.personal;
        co_await pass_through(client, false);
        co_return;
    }
    if (plan.route->rule.shadow || plan.personal != Detail::none) {
        co_await fetch_alone(client, plan, std::move(found), budget);
        co_return;
    }
    co_await fetch_together(client, plan, std::move(found), budget);
}

}  // namespace

net::Task<void> answer_read(Client& client) {
    Exchange& exchange = client.exchange();
    const ReadPlan plan = make_read_plan(exchange.request, *exchange.match.route);
    redis::RedisBudget budget;
    // The successor serves already, and nobody tells this process what is written through it.
    const bool replaced = !client.services.redis && client.services.memory.is_retired();
    const bool direct = (replaced || known_uncacheable(client)) && !plan.route->rule.shadow &&
                        !plan.directives.only_if_cached;
    if (direct) {
        set_missed(exchange, false, false);
        co_await pass_through(client, exchange.request.method == http::Method::get);
        co_return;
    }
    Lookup found = co_await look_up(client, plan, budget);
    if (found.state != redis::RedisState::ok) {
        exchange.outcome = {};
        exchange.outcome.detail =
            found.state == redis::RedisState::timeout ? Detail::redis_timeout : Detail::redis_down;
        if (plan.directives.only_if_cached) {
            co_await answer_error(client, 504, Detail::only_if_cached,
                                  "nothing stored for this request", false);
            co_return;
        }
        co_await pass_through(client, false);
        co_return;
    }
    if (found.entry && !plan.route->rule.shadow) {
        const WallTime now = wall_now();
        Verdict verdict = cache::decide_reuse(*found.entry, plan.directives, plan.personal,
                                              found.soft_purged, now);
        if (!cache::accepts_coding(exchange.request, *found.entry))
            verdict = plan.directives.only_if_cached ? Verdict::refuse : Verdict::fetch;
        switch (verdict) {
            case Verdict::serve:
                show_hit(exchange, *found.entry, XCache::hit, Detail::none, now);
                co_await answer_from_entry(client, found.entry);
                co_return;
            case Verdict::serve_and_refresh:
                show_hit(exchange, *found.entry, XCache::updating, Detail::revalidating, now);
                if (found.soft_purged && exchange.outcome.ttl > 0) exchange.outcome.ttl = 0;
                refresh(client, plan, found);
                co_await answer_from_entry(client, found.entry);
                co_return;
            case Verdict::fetch:
                found.other_variant = true;
                found.entry.reset();
                break;
            case Verdict::revalidate:
                found.asked = cache::decide_reuse(*found.entry, {}, plan.personal,
                                                  found.soft_purged, now) == Verdict::serve;
                break;
            case Verdict::refuse:
                found.entry.reset();
                break;
        }
    }
    co_await answer_missed(client, plan, std::move(found), budget);
}

}  // namespace larder::flow
