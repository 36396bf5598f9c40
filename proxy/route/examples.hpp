#pragma once
#include "route/route_table.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace larder::route {

/// Checks the configuration's `examples` against its routes and appends every mismatch as an error
/// that says what was expected and what came out. `purges` must name everything the write's rule
/// purges; the own entries of its URL, which are purged anyway, may be named or left out. Skips
/// examples that have an error already. The table must have compiled without errors.
void run_examples(const RouteTable& table, const settings::Settings& settings,
                  settings::Problems& problems);

}  // namespace larder::route
