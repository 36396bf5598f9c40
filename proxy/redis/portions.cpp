#include "redis/portions.hpp"

namespace larder::redis {

Task<bool> run_portion(RedisWay way, std::vector<PurgeItem> items, PurgeRun how, PurgePace& pace) {
    const SteadyTime began = steady_now();
    const bool done = co_await run_purges(way, items, how);
    if (done) pace.acknowledged(steady_now() - began, how.step);
    if (!done) pace.failed();
    co_return done;
}

}  // namespace larder::redis
