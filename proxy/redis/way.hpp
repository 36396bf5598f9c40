#pragma once
#include <memory>

#include "redis/batch.hpp"
#include "redis/task.hpp"

namespace larder::redis {

class RedisLink;
class RedisShared;

/// How a batch gets to where its keys are: over a link to the single server, or through a cluster.
struct RedisWay {
    RedisShared& shared;
    std::shared_ptr<RedisLink> link;  ///< null in a cluster
    int worker = 0;                   ///< whose links are preferred there

    [[nodiscard]] Task<void> run(RedisBatchPointer batch) const;
    /// Does not wait.
    void send(RedisBatchPointer batch) const;
};

/// For a command that names no key, such as SCAN: runs the batch on that lane of a cluster, or on
/// the single server. In a cluster it is `ok` only if the lane's server stayed the same.
[[nodiscard]] Task<void> run_on_lane(RedisWay way, int lane, RedisBatchPointer batch);

}  // namespace larder::redis
