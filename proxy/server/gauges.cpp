#include "server/gauges.hpp"

#include <algorithm>
#include <iterator>

#include "net/detached.hpp"

namespace larder::server {
namespace {

observe::RedisTrouble shown(const redis::RedisTrouble& trouble) {
    const auto seconds_since = [](SteadyTime then) {
        return std::chrono::duration<double>(steady_now() - then).count();
    };
    return {std::string(to_word(trouble.work)),
            std::string(to_word(trouble.reason)),
            trouble.text,
            trouble.command,
            trouble.remedy,
            seconds_since(trouble.last),
            seconds_since(trouble.since)};
}

void add_redis_failures(const redis::RedisShared& redis, observe::Gauges& gauges) {
    static_assert(static_cast<std::size_t>(observe::RedisFailure::count_) ==
                  static_cast<std::size_t>(redis::RedisError::count_));
    for (std::size_t i = 0; i < gauges.redis_failures.size(); ++i)
        gauges.redis_failures[i] = redis.reporter().errors(static_cast<redis::RedisError>(i));
    for (const redis::RedisTrouble& trouble : redis.reporter().troubles())
        gauges.redis_troubles.push_back(shown(trouble));
    if (const auto last = redis.reporter().last_refusal())
        gauges.redis_last_refusal.push_back(shown(*last));
}

void add_redis_nodes(const redis::RedisFleet& fleet, observe::Gauges& gauges) {
    const std::vector<int> lanes = fleet.is_cluster() ? fleet.in_use() : std::vector<int>{0};
    for (const int lane : lanes) {
        const redis::RedisNode& node = fleet.lane(lane);
        const redis::RedisAddress address = node.address().current();
        gauges.redis_nodes.push_back({address.host.empty() ? std::string() : to_text(address),
                                      node.up(),
                                      static_cast<observe::BreakerState>(node.breaker())});
    }
}

void add_origins(const origin::Upstream& upstream, observe::Gauges& gauges) {
    const auto addresses = upstream.addresses();
    for (const auto& server : upstream.servers()) {
        observe::OriginState state{server->url, upstream.is_up(*server), {}};
        for (const auto& address : *addresses) {
            if (&address->server != server.get()) continue;
            observe::OriginAddress shown;
            shown.address = origin::to_text(*address);
            shown.up = address->up.load(std::memory_order_relaxed);
            shown.reachable = address->reachable.load(std::memory_order_relaxed);
            shown.connections = address->connections.load(std::memory_order_relaxed);
            shown.requests = address->requests.load(std::memory_order_relaxed);
            state.addresses.push_back(std::move(shown));
        }
        // Two origins may have a server in common; the metrics know it by its URL.
        const auto same = [&](const observe::OriginState& other) {
            return other.server == state.server;
        };
        const auto known = std::find_if(gauges.origins.begin(), gauges.origins.end(), same);
        if (known == gauges.origins.end()) {
            gauges.origins.push_back(std::move(state));
        } else {
            known->up = known->up || state.up;
            std::move(state.addresses.begin(), state.addresses.end(),
                      std::back_inserter(known->addresses));
        }
    }
}

}  // namespace

void record_redis_operation(redis::RedisOperation operation, SteadyClock::duration duration) {
    observe::WorkerMetrics* metrics = Worker::metrics_of_this_thread();
    if (!metrics) return;
    switch (operation) {
        case redis::RedisOperation::find:
            metrics->record_redis_operation(observe::RedisOperation::read, duration);
            break;
        case redis::RedisOperation::lease:
            metrics->record_redis_operation(observe::RedisOperation::lease, duration);
            break;
        case redis::RedisOperation::fill:
            metrics->record_redis_operation(observe::RedisOperation::fill, duration);
            break;
        case redis::RedisOperation::purge:
            metrics->record_redis_operation(observe::RedisOperation::purge, duration);
            break;
        case redis::RedisOperation::wait:
            metrics->record_redis_operation(observe::RedisOperation::wait, duration);
            break;
        case redis::RedisOperation::count_:
            break;
    }
}

observe::Gauges gauges_of(const Shared& shared,
                          const std::vector<std::unique_ptr<Worker>>& workers) {
    observe::Gauges gauges;
    gauges.memory_bytes = shared.memory->bytes();
    gauges.memory_entries = shared.memory->entries();
    gauges.memory_evictions = shared.memory->evictions();
    gauges.redis_configured = shared.redis != nullptr;
    if (shared.redis) {
        gauges.redis_up = shared.redis->fleet().up();
        gauges.redis_breaker = static_cast<observe::BreakerState>(shared.redis->fleet().breaker());
        gauges.stream_malformed = shared.redis->reporter().stream_malformed();
        gauges.purges_pending = shared.redis->journal().size();
        add_redis_nodes(shared.redis->fleet(), gauges);
        add_redis_failures(*shared.redis, gauges);
    }
    for (const auto& worker : workers)
        gauges.internal_errors += net::failures_of(worker->context());
    gauges.client_connections = shared.connections.load(std::memory_order_relaxed);
    const std::shared_ptr<const flow::Config> config = shared.config.get();
    gauges.memory_serves =
        config->settings.memory_bytes > 0 &&
        (!shared.redis || steady_now() < shared.redis->fleet().memory_trusted_until());
    for (const auto& upstream : config->upstreams) add_origins(*upstream, gauges);
    return gauges;
}

}  // namespace larder::server
