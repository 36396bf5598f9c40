#include "flow/lookup.hpp"

#include "flow/client.hpp"
#include "flow/request_trace.hpp"

namespace larder::flow {
namespace {

store::MemoryHit find_in_memory(Client& client) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    if (client.settings().memory_bytes == 0) return {};
    const TraceStep step(exchange, "memory");
    return client.services.memory.find(exchange.key, exchange.request, plan.with_host,
                                       plan.route->rules, steady_now());
}

// Whether a miss of this request begins a fetch that others may join.
bool would_fetch_for_all(const Exchange& exchange) {
    const ReadPlan& plan = exchange.plan;
    return exchange.request.method != http::Method::head && !plan.route->rule.shadow &&
           plan.personal == cache::Detail::none && !plan.directives.only_if_cached;
}

// Whether Redis will probably hold nothing under the key. A fetch that is under way has the lease.
bool expects_miss(Client& client, const Lookup& lookup) {
    const Exchange& exchange = client.exchange();
    return client.services.forecast.expects_miss(exchange.plan.route->index) &&
           !lookup.other_variant && would_fetch_for_all(exchange) &&
           !client.services.board.find(fetch_name(exchange, {}));
}

// What came of a lease that was asked for in place of the lookup.
enum class Guess : std::uint8_t {
    settled,   // the lookup has the lease, or Redis did not answer
    wrong,     // something stands in the way
    not_made,  // Redis was not asked
};

net::Task<Guess> lease_in_place_of_lookup(Client& client, Lookup& lookup,
                                          redis::RedisBudget& budget) {
    Exchange& exchange = client.exchange();
    redis::Lease lease = co_await client.services.redis->lease_absent(entry_name(exchange), budget);
    lookup.state = lease.state;
    if (lease.state != redis::RedisState::ok) co_return Guess::settled;
    if (lease.token.empty()) co_return Guess::not_made;
    const bool right = lease.lock == redis::Lease::Lock::mine;
    client.services.forecast.note(exchange.plan.route->index, right);
    if (!right) co_return Guess::wrong;
    lookup.lease =
        client.services.redis->hold(std::make_shared<const redis::Lease>(std::move(lease)));
    co_return Guess::settled;
}

}  // namespace

net::Task<void> look_up(Client& client, redis::RedisBudget& budget) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    Lookup& lookup = exchange.lookup;
    const store::MemoryHit hit = find_in_memory(client);
    if (hit.entry) {
        if (exchange.trace) exchange.trace->found_in = "memory";
        lookup.entry = hit.entry;
        lookup.soft_purged = hit.soft_purged;
        co_return;
    }
    lookup.other_variant = hit.other_variant;
    if (!client.services.redis) co_return;
    const bool into_memory = plan.route->rule.memory && client.settings().memory_bytes > 0;
    redis::EntryName name = entry_name(exchange);
    name.for_memory = into_memory;
    const TraceStep step(exchange, "redis");
    Guess guess = Guess::not_made;
    if (expects_miss(client, lookup)) {
        guess = co_await lease_in_place_of_lookup(client, lookup, budget);
        if (guess == Guess::settled) co_return;
    }
    redis::Found found = co_await client.services.redis->find(name, budget);
    if (found.state == redis::RedisState::ok && guess == Guess::not_made &&
        would_fetch_for_all(exchange))
        client.services.forecast.note(plan.route->index, found.ids && found.ids->key_absent);
    if (exchange.trace && found.entry) exchange.trace->found_in = "redis";
    if (found.entry && !found.soft_purged && into_memory) {
        const std::size_t rule_guards =
            store::guard_count(name.key, name.bare_size, name.tags.size());
        client.services.memory.insert(exchange.key, found.entry,
                                      {plan.route->rules, found.entry->sequence(), rule_guards});
    }
    lookup.state = found.state;
    lookup.entry = std::move(found.entry);
    lookup.soft_purged = found.soft_purged;
    lookup.other_variant |= found.other_variant;
    lookup.variant = std::move(found.variant);
    if (found.ids) lookup.ids = *std::move(found.ids);
}

cache::MissedRead missed_read(const Exchange& exchange, FetchRole role) {
    cache::MissedRead read;
    read.expired = exchange.lookup.entry != nullptr;
    read.other_variant = exchange.lookup.other_variant;
    read.asked = exchange.lookup.asked;
    read.joined = role == FetchRole::joins;
    read.shadow = exchange.plan.route->rule.shadow;
    read.personal = exchange.plan.personal;
    return read;
}

}  // namespace larder::flow
