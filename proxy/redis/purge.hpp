#pragma once
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"
#include "redis/keys.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"
#include "store/generations.hpp"

namespace larder::redis {

class RedisShared;

/// How a run of purges goes.
struct PurgeRun {
    SteadyTime deadline{};  ///< no step waits longer
    Milliseconds step{0};   ///< not 0: how long each step may wait, in place of `deadline`: for
                           ///< purges that nobody's request waits for, and for scans, which take as
                           ///< long as they make progress
    std::string token{};  ///< of the announcement that ends with these purges
                          ///< (RedisStore::announce), or empty
    enum class Tell : std::uint8_t { others, nobody };
    Tell tell = Tell::nobody;  ///< whether the other instances are told (redis/news.hpp)
    int scanned_lane = -1;     ///< not -1: scans walk this lane of a cluster only
    std::uint64_t epoch = 0;   ///< not 0: of the single server; no other one gets these purges
};

/// Does the purges and waits until Redis has acknowledged all of them. False: Redis has not. What
/// they killed is handed to the sweep. The items and `how` must outlive the call.
///
/// Every slot of the process's Generations that a purge touches is purged (again) once Redis has
/// acknowledged it: the acknowledgement may arrive before what Redis tells the subscriber.
[[nodiscard]] Task<bool> run_purges(RedisWay way, const std::vector<PurgeItem>& items,
                                    const PurgeRun& how);

/// Marks what the item covers as purged in this process. A pattern whose keys must be looked for
/// only closes the door of what is not stored yet: its keys are found one by one.
void mark_purged(store::Generations& generations, const PurgeItem& item);

/// Notes that the items will be purged again at `due`: see store::PlannedPurges. Not of patterns
/// whose keys must be looked for, which no write names.
void note_planned(store::Generations& generations, const std::vector<PurgeItem>& items,
                  SteadyTime due);

/// The commands of an announcement (script::hold_key, hold_tag), for `time`.
void add_holds(RedisCommands& commands, const RedisKeys& keys, const std::vector<PurgeItem>& items,
               std::string_view token, Milliseconds time);

/// Tells the other instances of purges that are done. False: nobody could be told.
[[nodiscard]] Task<bool> tell_others(RedisWay way, std::vector<PurgeItem> items,
                                     SteadyTime deadline);

/// How far the keys are removed that were filled under an id that a purge has killed.
struct Sweep {
    std::string id;  ///< empty: all are
    std::string cursor = "0";
};
/// Removes some of them, and moves on. False: the connection failed over it.
[[nodiscard]] Task<bool> sweep_some(RedisWay way, Sweep& sweep, Milliseconds step);

}  // namespace larder::redis
