#include "flow/fetch_for_read.hpp"

#include "base/hash.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/answer_from_entry.hpp"
#include "flow/answer_from_fetch.hpp"
#include "flow/pass_through.hpp"
#include "flow/request_trace.hpp"
#include "flow/run_fetch.hpp"

namespace larder::flow {
namespace {

constexpr int attempts_max = 4;

store::Guards guards_of(Client& client) {
    const redis::EntryName name = entry_name(client.exchange());
    return {client.services.generations.now(),
            store::guard_slots(name.key, name.bare_size, name.tags)};
}

// Whether a purge came between the lookup and the position that the fetch noted: the origin must
// not confirm a purged entry. (With Redis the lease decides this.)
bool was_purged(Client& client) {
    const cache::Stored& entry = client.exchange().lookup.entry;
    return entry && !client.services.redis &&
           !client.services.memory.may_serve(client.exchange().key, *entry);
}

// `variant`: the variant to fetch, if it is known. `lease`: the lookup's, if it took one.
std::unique_ptr<FetchTask> make_task(Client& client, const store::FetchPtr& fetch,
                                     const redis::RedisBudget& budget,
                                     std::string_view variant = {}, redis::LeaseHold lease = {}) {
    const Exchange& exchange = client.exchange();
    store::FetchDuty duty(client.services.board, fetch);
    auto task = std::make_unique<FetchTask>(client, std::move(duty));
    if (!was_purged(client)) task->stale = exchange.lookup.entry;
    task->soft_purged = exchange.lookup.soft_purged;
    task->has_entries = exchange.lookup.entry || exchange.lookup.other_variant;
    task->ids = exchange.lookup.ids;
    task->variant = variant;
    task->budget = budget;
    task->lease = std::move(lease);
    if (exchange.plan.route->rule.shadow) {
        task->shadow = true;
        task->would_serve = exchange.lookup.entry;
        task->stale.reset();
    }
    return task;
}

// Whether no instance purged since the fetch began. This process may not have heard of such a
// purge, so the lease is checked.
net::Task<bool> may_join(Client& client, store::FetchPtr fetch, redis::RedisBudget& budget) {
    if (!client.services.redis) co_return true;
    const std::shared_ptr<const redis::Lease> lease = fetch->lease();
    if (!lease) co_return true;
    const redis::EntryName name = entry_name(client.exchange());
    const bool current = co_await client.services.redis->still_current(name, *lease, budget);
    // If Redis had no room for a guard, the purges that this process heard of decide.
    co_return current&& client.services.generations.valid(fetch->guards.slots,
                                                          fetch->guards.sequence);
}

// The entry of a fetch that is complete but not yet stored, if it answers the request as a hit
// would.
cache::Stored entry_as_hit(Client& client, const store::Fetch& fetch) {
    const ReadPlan& plan = client.exchange().plan;
    const store::FetchState state = fetch.state();
    if (state != store::FetchState::complete && state != store::FetchState::resolved)
        return nullptr;
    const cache::Stored entry = fetch.entry();
    if (!entry || cache::decide_reuse(*entry, plan.directives, plan.personal, false, wall_now()) !=
                      cache::Verdict::serve)
        return nullptr;
    if (!cache::accepts_coding(client.request(), *entry)) return nullptr;
    std::string variant;
    cache::build_variant(client.request(), entry->vary(), plan.with_host, variant);
    return variant == entry->variant() ? entry : nullptr;
}

// A response that has begun and may not be reused without validation is only for requests that came
// before it (RFC 9111, 4).
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

// The fields that the response varies on.
std::vector<std::string> learned_vary(const store::Fetch& fetch) {
    if (fetch.state() == store::FetchState::resolved) return fetch.entry()->vary().to_strings();
    return fetch.head().vary;
}

// The result of joining another request's fetch.
enum class Joined : std::uint8_t { answered, waits, left };

net::Task<Joined> join(Client& client, store::FetchPtr fetch, redis::RedisBudget& budget) {
    const bool current = co_await may_join(client, fetch, budget);
    if (!current) co_return Joined::left;
    // A fetch that is complete but not yet stored is as good as a hit.
    const cache::Stored done = entry_as_hit(client, *fetch);
    if (!done) co_return came_too_late(*fetch) ? Joined::left : Joined::waits;
    const bool fine = co_await tags_current(client, fetch, budget);
    if (!fine) co_return Joined::left;
    client.exchange().outcome = cache::Outcome::hit(*done, wall_now());
    if (client.exchange().trace) client.exchange().trace->found_in = "fetch";
    co_await answer_from_entry(client, done);
    co_return Joined::answered;
}

net::Task<void> ask_alone(Client& client) {
    client.exchange().outcome =
        cache::Outcome::missed(missed_read(client.exchange(), FetchRole::leads));
    co_await pass_through(client, Judge::yes);
}

}  // namespace

void refresh(Client& client) {
    const cache::StoredResponse& entry = *client.exchange().lookup.entry;
    const std::string_view variant = entry.vary().empty() ? std::string_view{} : entry.variant();
    const store::FetchBoard::Place place = client.services.board.join_or_lead(
        client.exchange().key, fetch_name(client.exchange(), variant), guards_of(client));
    if (place.leads) start_fetch_aside(make_task(client, place.fetch, {}, variant));
}

void refresh_if_due(Client& client, const cache::Stored& entry) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    const double share = plan.route->rule.refresh_ahead;
    if (share <= 0 || !cache::is_refresh_due(entry->freshness(), share, wall_now())) return;
    // The answer to such a request may not be stored for all.
    const bool for_all = plan.personal == cache::Detail::none && !plan.directives.no_store &&
                         !plan.directives.only_if_cached &&
                         exchange.request.method != http::Method::head;
    const std::uint64_t hash =
        uncacheable_hash(exchange.key, plan, exchange.request) ^ hash_of(entry->variant());
    if (!for_all || !client.services.refreshes.claim(hash, entry->received_at())) return;
    client.services.metrics.record_refresh_ahead(client.config->path_ids[plan.route->index]);
    exchange.lookup.entry = entry;
    refresh(client);
}

net::Task<void> fetch_alone(Client& client, redis::RedisBudget budget) {
    Exchange& exchange = client.exchange();
    auto fetch = std::make_shared<store::Fetch>(exchange.key, std::string{}, guards_of(client));
    if (client.request().method == http::Method::head && was_purged(client)) {
        exchange.outcome = cache::Outcome::missed({});
        co_await pass_through(client, Judge::no);
        co_return;
    }
    std::unique_ptr<FetchTask> task = make_task(client, fetch, budget);
    task->shared = false;
    start_fetch(std::move(task));
    FetchPart part;
    part.fetch = fetch;
    const FetchAnswer answer = co_await answer_from_fetch(client, part);
    if (answer != FetchAnswer::sent) co_await ask_alone(client);
}

net::Task<void> fetch_together(Client& client, redis::RedisBudget budget) {
    Exchange& exchange = client.exchange();
    const Lookup& lookup = exchange.lookup;
    redis::LeaseHold lease = std::move(exchange.lookup.lease);
    store::FetchBoard& board = client.services.board;
    const bool is_variant = lookup.entry && !lookup.entry->vary().empty();
    std::string variant(is_variant ? lookup.entry->variant() : lookup.variant);
    FetchPart part;
    part.budget = &budget;
    bool learned = false;  // the fetched variant is not the wanted one
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const std::string name = fetch_name(exchange, learned ? variant + '\n' : variant);
        const store::FetchBoard::Place place =
            board.join_or_lead(exchange.key, name, guards_of(client));
        part.fetch = place.fetch;
        part.role = place.leads ? FetchRole::leads : FetchRole::joins;
        if (place.leads) {
            start_fetch(make_task(client, place.fetch, budget, variant, std::move(lease)));
        } else {
            lease.give_back(redis::LeaseEnd::unstored);
            const Joined joined = co_await join(client, place.fetch, budget);
            if (joined == Joined::answered) co_return;
            if (joined == Joined::left) {
                board.leave(place.fetch);
                continue;
            }
        }
        const FetchAnswer answer = co_await answer_from_fetch(client, part);
        if (answer == FetchAnswer::sent) co_return;
        if (answer == FetchAnswer::alone) break;
        if (answer == FetchAnswer::purged) {
            board.leave(place.fetch);
        } else if (answer == FetchAnswer::failed) {
            part.retried = true;
        } else {
            // Each variant has its own lock, so that this fetch does not wait for the fetch of the
            // first variant.
            cache::build_variant(client.request(), learned_vary(*place.fetch),
                                 exchange.plan.with_host, variant);
            learned = true;
        }
    }
    co_await ask_alone(client);
}

}  // namespace larder::flow
