#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "route/route_table.hpp"

namespace larder::store {

/// What is to be purged. Patterns as in route::PurgeSet; tags are response tags.
struct PurgeOrder {
    route::PurgeSet set;  ///< its patterns are known tags (RouteTable::is_tag_pattern)
    std::vector<std::string> scan_patterns;  ///< patterns that are no known tag: the keys are
                                             ///< scanned, which may take long
    std::vector<std::string> tags;
    bool everything = false;  ///< all that is stored
    bool soft = false;

    [[nodiscard]] bool empty() const {
        return set.empty() && scan_patterns.empty() && tags.empty() && !everything;
    }
};

/// A purge that is due later.
struct PlannedPurge {
    enum class Repeats : std::uint8_t {
        no,
        yes,  ///< it is also made every few seconds until `due`
    };
    PurgeOrder order;
    SteadyTime due{};
    Repeats repeats = Repeats::no;
};

enum class PurgeOutcome : std::uint8_t {
    done,     ///< acknowledged by Redis
    pending,  ///< journalled: nothing is served from Redis before it has been done
};

}  // namespace larder::store
