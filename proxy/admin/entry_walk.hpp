#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/services.hpp"

/// What both tiers hold, for people who look at the cache.
namespace larder::admin {

/// One stored variant, and where it is.
struct ShownEntry {
    cache::Stored entry;
    std::uint64_t bytes = 0;   ///< of the body
    bool body_absent = false;  ///< only Redis has it, and it is too large to bring along
    bool soft_purged = false;
    bool in_memory = false;
    bool in_redis = false;
};

/// A key and its variants, the newest first. Never without one.
struct ShownKey {
    std::string key;
    std::vector<ShownEntry> entries;
};

/// "memory", "redis" or "both".
[[nodiscard]] std::string_view tier_of(const ShownEntry& entry);

/// How far a walk over all keys has come: first the memory tier's, then what only Redis has. A key
/// that is there all the time is met at least once. A key that moves between the tiers may be met
/// twice.
struct EntryWalk {
    enum class Part : std::uint8_t { memory, redis, over };
    Part part = Part::memory;
    store::ListPlace place;   ///< in the memory tier
    std::string redis_place;  ///< redis::KeyPage::next
    std::string prefix;       ///< of the keys that are met
};

/// A place as text, for the next request of the same person, and back. Nothing: it is not one.
[[nodiscard]] std::string to_cursor(const EntryWalk& walk);
[[nodiscard]] std::optional<EntryWalk> parse_cursor(std::string_view text);

/// One step of the walk: appends what it met. Gives other work of the worker a turn. The walk and
/// `out` outlive the call. The result is not ok where Redis could not be asked: the walk is over.
[[nodiscard]] net::Task<redis::RedisState> walk_entries(flow::Services& services, EntryWalk& walk,
                                                        std::vector<ShownKey>& out);

/// What both tiers hold under one key; no entries: nothing. `state`: of Redis.
[[nodiscard]] net::Task<ShownKey> look_up_key(flow::Services& services, std::string key,
                                              redis::RedisState& state);

}  // namespace larder::admin
