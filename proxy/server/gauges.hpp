#pragma once
#include <memory>
#include <vector>

#include "observe/snapshot.hpp"
#include "redis/shared.hpp"
#include "server/worker.hpp"

namespace larder::server {

/// The program's present state, as /metrics and /stats show it.
[[nodiscard]] observe::Gauges gauges_of(const Shared& shared,
                                        const std::vector<std::unique_ptr<Worker>>& workers);

/// Counts an operation of Redis in the metrics of the worker that made it.
void record_redis_operation(redis::RedisOperation operation, SteadyClock::duration duration);

}  // namespace larder::server
