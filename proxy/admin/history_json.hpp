#pragma once
#include <boost/json/object.hpp>
#include <chrono>

#include "observe/history.hpp"

namespace larder::admin {

/// The answer of GET /history: for the last hour and the last day when the first step began (Unix
/// seconds), how long a step is, and what happened in each; and how the last reload ended.
/// `started`: when the history began.
[[nodiscard]] boost::json::object to_history(const observe::History& history,
                                             std::chrono::system_clock::time_point started);

}  // namespace larder::admin
