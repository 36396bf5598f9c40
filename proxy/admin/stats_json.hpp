#pragma once
#include <boost/json/object.hpp>
#include <string>

#include "observe/snapshot.hpp"

namespace larder::admin {

/// The figures of GET /stats: totals since the start, from which a client computes rates. Durations
/// are in milliseconds. The names of these members are a public interface: `version`,
/// `uptime_seconds`, `requests`, `latency`, `routes`, `redis`, `memory`, `origins`, `purges`,
/// `client_connections`. The caller may add members.
[[nodiscard]] boost::json::object to_stats(const observe::Snapshot& snapshot);

}  // namespace larder::admin
