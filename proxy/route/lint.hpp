#pragma once
#include "route/route_table.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace larder::route {

/// Appends what is doubtful about the routes, as warnings: routes that can never match, purges that
/// can never hit, resources that no write purges, keys that two resources share, lifetimes of zero,
/// and `ignore` that can show one user's response to another. The table must have compiled without
/// errors.
void lint(const RouteTable& table, const settings::Settings& settings,
          settings::Problems& problems);

}  // namespace larder::route
