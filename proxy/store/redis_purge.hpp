#pragma once
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "store/redis_link.hpp"
#include "store/redis_purges.hpp"
#include "store/redis_task.hpp"

namespace larder::store {

class RedisShared;

/// Does the purges and waits until Redis has acknowledged all of them: false where it has not. No step waits longer than to
/// `deadline`, or `step` where that is set (for purges nobody's request waits for, and for scans, which take as long as
/// they make progress). What they killed is handed to the sweep. The items must outlive the call.
///
/// Every slot of the process's Generations that a purge touches is purged (again) once Redis has acknowledged it: the
/// acknowledgement may arrive before what Redis tells the subscriber.
[[nodiscard]] Task<bool> run_purges(std::shared_ptr<RedisLink> link, RedisShared& shared, const std::vector<PurgeItem>& items,
                                    SteadyTime deadline, Milliseconds step);

/// Removes the keys filled under an id that a purge has killed, in small steps. False: the connection failed over it.
[[nodiscard]] Task<bool> sweep_index(std::shared_ptr<RedisLink> link, RedisShared& shared, std::string id, Milliseconds step);

}  // namespace larder::store
