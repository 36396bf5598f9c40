#include "redis/way.hpp"

#include "net/detached.hpp"
#include "redis/link.hpp"
#include "redis/route_batch.hpp"
#include "redis/shared.hpp"

namespace larder::redis {

Task<void> RedisWay::run(RedisBatchPointer batch) const {
    if (link) return link->async_run(std::move(batch));
    return run_in_cluster(shared, worker, std::move(batch));
}

void RedisWay::send(RedisBatchPointer batch) const {
    if (link) return link->send(std::move(batch));
    const std::vector<boost::asio::io_context*> contexts = shared.contexts();
    const auto place = static_cast<std::size_t>(worker) % contexts.size();
    net::start_detached(contexts[place]->get_executor(),
                        run_in_cluster(shared, worker, std::move(batch)),
                        "sending to the Redis cluster");
}

}  // namespace larder::redis
