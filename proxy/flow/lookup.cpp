#include "flow/lookup.hpp"

#include "flow/client.hpp"
#include "flow/request_trace.hpp"

namespace larder::flow {
namespace {

store::MemoryHit find_in_memory(Client& client) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    const TraceStep step(exchange, "memory");
    return client.services.memory.find(exchange.key, exchange.request, plan.with_host,
                                       plan.route->rules, steady_now());
}

// Whether Redis will probably hold nothing, and the request would begin a fetch that others may
// join.
bool begins_with_lease(Client& client) {
    const Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    if (!client.services.forecast.expects_miss(plan.route->index)) return false;
    return exchange.request.method != http::Method::head && !plan.route->rule.shadow &&
           plan.personal == cache::Detail::none && !plan.directives.only_if_cached;
}

// True: nothing stands under the key, and the lookup has the lease; or Redis did not answer.
net::Task<bool> lease_in_place_of_lookup(Client& client, Lookup& lookup,
                                         redis::RedisBudget& budget) {
    Exchange& exchange = client.exchange();
    redis::Lease lease = co_await client.services.redis->lease_absent(entry_name(exchange), budget);
    lookup.state = lease.state;
    lookup.lease =
        client.services.redis->hold(std::make_shared<const redis::Lease>(std::move(lease)));
    if (lookup.state == redis::RedisState::ok && !lookup.lease.has_lock())
        client.services.forecast.found(exchange.plan.route->index);
    co_return lookup.lease.has_lock() || lookup.state != redis::RedisState::ok;
}

void note_for_forecast(Client& client, const redis::Found& found) {
    const std::size_t route = client.exchange().plan.route->index;
    if (found.state != redis::RedisState::ok) return;
    if (found.ids.key_absent) client.services.forecast.missed(route);
    if (!found.ids.key_absent) client.services.forecast.found(route);
}

}  // namespace

net::Task<Lookup> look_up(Client& client, redis::RedisBudget& budget) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    Lookup lookup;
    const store::MemoryHit hit = find_in_memory(client);
    if (hit.entry) {
        if (exchange.trace) exchange.trace->found_in = "memory";
        lookup.entry = hit.entry;
        lookup.soft_purged = hit.soft_purged;
        co_return lookup;
    }
    lookup.other_variant = hit.other_variant;
    if (!client.services.redis) co_return lookup;
    const redis::EntryName name = entry_name(exchange);
    const TraceStep step(exchange, "redis");
    if (begins_with_lease(client)) {
        const bool settled = co_await lease_in_place_of_lookup(client, lookup, budget);
        if (settled) co_return lookup;
    }
    redis::Found found = co_await client.services.redis->find(name, budget);
    note_for_forecast(client, found);
    if (exchange.trace && found.entry) exchange.trace->found_in = "redis";
    if (found.entry && !found.soft_purged && plan.route->rule.memory) {
        const std::size_t rule_guards =
            store::guard_count(name.key, name.bare_size, name.tags.size());
        client.services.memory.insert(exchange.key, found.entry,
                                      {plan.route->rules, found.entry->sequence, rule_guards});
    }
    lookup.state = found.state;
    lookup.entry = found.entry;
    lookup.soft_purged = found.soft_purged;
    lookup.other_variant |= found.other_variant;
    lookup.variant = found.variant;
    lookup.ids = std::move(found.ids);
    co_return lookup;
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
