#pragma once
#include "redis/batch.hpp"
#include "redis/journal.hpp"
#include "redis/purge.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"

/// What the files of a run of purges share (purge.cpp, purge_scan.cpp). For this directory only.
namespace larder::redis {

/// One run of purges: what all its steps share.
struct RunningPurge {
    RedisWay way;
    RedisShared& shared;
    const PurgeRun& how;

    [[nodiscard]] bool in_cluster() const { return way.link == nullptr; }
};

[[nodiscard]] RedisBatchPointer new_batch(const RunningPurge& run);

/// Whether one of the first replies is an error. The news behind the purges may be refused to a
/// user without channels: that does not undo what was purged.
[[nodiscard]] bool any_failed(const RedisBatch& batch, std::size_t first);

/// Purges all that is stored, in one step for each server.
[[nodiscard]] Task<bool> purge_all(RunningPurge run);

/// Purges by walking over the keys of all servers. Where slots of a cluster move, keys pass from a
/// server that is not walked yet to one that was: then all that is stored is purged instead.
[[nodiscard]] Task<bool> purge_by_scan(RunningPurge run, PurgeItem item);

}  // namespace larder::redis
