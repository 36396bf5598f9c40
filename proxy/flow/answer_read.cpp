#include "flow/answer_read.hpp"

#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/answer_from_entry.hpp"
#include "flow/fetch_for_read.hpp"
#include "flow/pass_through.hpp"
#include "flow/purge_relay.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using cache::Outcome;
using cache::Verdict;

bool known_uncacheable(Client& client) {
    const Exchange& exchange = client.exchange();
    if (client.services.uncacheable.is_empty(exchange.began)) return false;
    const std::uint64_t* since = client.services.uncacheable.find(
        uncacheable_hash(exchange.key, exchange.plan, exchange.request), exchange.began);
    if (!since) return false;
    const std::uint32_t slot = store::Generations::slot_of_key(exchange.key);
    return client.services.generations.valid({&slot, 1}, *since);
}

// Whether to ask the origin without a lookup and without storing.
bool goes_straight_through(Client& client) {
    const ReadPlan& plan = client.exchange().plan;
    if (plan.route->rule.shadow || plan.directives.only_if_cached) return false;
    // With Redis it tells of the writes that another process has answered.
    const PurgeRelay* const relay = client.services.redis ? nullptr : client.services.relay;
    return (relay && relay->may_miss_writes()) || known_uncacheable(client);
}

net::Task<void> refuse_to_fetch(Client& client) {
    co_await answer_error(client, 504, Detail::only_if_cached,
                          "no stored response answers this request, and its Cache-Control "
                          "says only-if-cached",
                          KeepAlive::yes);
}

net::Task<void> answer_without_redis(Client& client) {
    Exchange& exchange = client.exchange();
    exchange.outcome =
        Outcome::bypass(exchange.lookup.state == redis::RedisState::timeout ? Detail::redis_timeout
                                                                            : Detail::redis_down);
    if (exchange.plan.directives.only_if_cached) {
        co_await refuse_to_fetch(client);
    } else {
        co_await pass_through(client, Judge::no);
    }
}

net::Task<void> answer_missed(Client& client, redis::RedisBudget budget) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    const bool shadow = plan.route->rule.shadow;
    const bool head = exchange.request.method == http::Method::head;
    exchange.outcome = Outcome::missed(missed_read(exchange, FetchRole::leads));
    if (plan.directives.only_if_cached) {
        co_await refuse_to_fetch(client);
        co_return;
    }
    // HEAD is answered from GET's entry. Without an entry HEAD is forwarded and stores nothing.
    const bool head_alone = head && (!exchange.lookup.entry || shadow);
    // The response will probably not be shared, so the client's condition or range is forwarded: it
    // saves the body, as it would without a cache. If the response can be shared after all, the
    // next request without a condition stores it.
    const bool saves_body = plan.personal != Detail::none && !exchange.lookup.entry && !shadow &&
                            has_condition_or_range(exchange.request);
    if (head_alone || saves_body) {
        if (plan.personal != Detail::none && !shadow)
            exchange.outcome = Outcome::bypass(plan.personal);
        co_await pass_through(client, Judge::no);
        co_return;
    }
    if (head || shadow || plan.personal != Detail::none) {
        co_await fetch_alone(client, budget);
    } else {
        co_await fetch_together(client, budget);
    }
}

// Decides whether the entry of the lookup answers the request. If not, the lookup keeps what a
// fetch can use.
Verdict judge_entry(Exchange& exchange, WallTime now) {
    const ReadPlan& plan = exchange.plan;
    Lookup& lookup = exchange.lookup;
    Verdict verdict =
        cache::decide_reuse(*lookup.entry, plan.directives, plan.personal, lookup.soft_purged, now);
    if (!cache::accepts_coding(exchange.request, *lookup.entry))
        verdict = plan.directives.only_if_cached ? Verdict::refuse : Verdict::fetch;
    if (verdict == Verdict::revalidate)
        lookup.asked = cache::decide_reuse(*lookup.entry, {}, plan.personal, lookup.soft_purged,
                                           now) == Verdict::serve;
    if (verdict == Verdict::fetch) lookup.other_variant = true;
    if (verdict == Verdict::fetch || verdict == Verdict::refuse) lookup.entry.reset();
    return verdict;
}

}  // namespace

net::Task<void> answer_read(Client& client) {
    Exchange& exchange = client.exchange();
    if (goes_straight_through(client)) {
        exchange.outcome = Outcome::missed({});
        const Judge judge = exchange.request.method == http::Method::head ? Judge::no : Judge::yes;
        co_await pass_through(client, judge);
        co_return;
    }
    redis::RedisBudget budget;
    co_await look_up(client, budget);
    if (exchange.lookup.state != redis::RedisState::ok) {
        co_await answer_without_redis(client);
        co_return;
    }
    if (exchange.lookup.entry && !exchange.plan.route->rule.shadow) {
        const WallTime now = wall_now();
        const Verdict verdict = judge_entry(exchange, now);
        cache::Stored entry = exchange.lookup.entry;
        const bool refreshes = verdict == Verdict::serve_and_refresh;
        if (refreshes) {
            exchange.outcome = Outcome::updating(*entry, exchange.lookup.soft_purged, now);
            refresh(client);
        }
        if (verdict == Verdict::serve) {
            exchange.outcome = Outcome::hit(*entry, now);
            refresh_if_due(client, entry);
        }
        if (verdict == Verdict::serve || refreshes) {
            co_await answer_from_entry(client, std::move(entry));
            co_return;
        }
    }
    co_await answer_missed(client, budget);
}

}  // namespace larder::flow
