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

Task<void> run_on_lane(RedisWay way, int lane, RedisBatchPointer batch) {
    if (!way.shared.fleet().is_cluster()) {
        co_await way.run(batch);
        co_return;
    }
    RedisNode& node = way.shared.fleet().lane(lane);
    const std::shared_ptr<RedisLink> link = node.usable_link(nullptr);
    if (!link) co_return;
    batch->epoch = link->epoch();
    co_await link->async_run(batch);
    if (batch->epoch != node.epochs().current()) batch->status = RedisBatch::Status::down;
}

}  // namespace larder::redis
