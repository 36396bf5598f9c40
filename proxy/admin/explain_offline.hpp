#pragma once
#include <boost/json/object.hpp>

#include "route/explain.hpp"

namespace larder::admin {

/// What the configuration alone says of a request: its route, key, tags, lifetime and purges.
[[nodiscard]] boost::json::object explain_offline(const route::Explanation& explanation);

/// The texts as JSON strings.
[[nodiscard]] boost::json::array array_of(const std::vector<std::string>& texts);

}  // namespace larder::admin
