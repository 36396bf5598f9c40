#pragma once
#include "redis/batch.hpp"
#include "redis/task.hpp"

namespace larder::redis {

class RedisShared;

/// Runs a batch on the nodes of a cluster: one part for each node, all at once, and the replies
/// joined. A command that a node refuses because its slot is elsewhere is sent again, with all
/// later commands of the batch that touch the same slot, so that their order stays. Commands of
/// different slots have no order among each other: what needs one goes in two batches. `worker`:
/// whose links are preferred.
///
/// The batch is `ok` where each command was answered, by a server that is the current one of its
/// lane at the end too.
[[nodiscard]] Task<void> run_in_cluster(RedisShared& shared, int worker, RedisBatchPointer batch);

}  // namespace larder::redis
