#pragma once
#include "route/route_table.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace larder::flow {

/// Says all that can be said of settings without serving them, as `larder check` and a reload do:
/// impossible values, routes that make no sense, warnings, and examples that do not hold. Gives the
/// compiled routes; they must not be used if one of the problems is an error.
route::RouteTable check_config(const settings::Settings& settings, settings::Problems& problems);

}  // namespace larder::flow
