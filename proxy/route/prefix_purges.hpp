#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "route/route_table.hpp"

namespace larder::route {

/// Adds the patterns that cover the entries of all URLs of this host (empty: of every host) whose
/// path begins with `path_prefix`. A pattern is the certain beginning of a key, followed by '*', so
/// it may cover more than was asked for, but never less.
void collect_prefix_patterns(const RouteTable& table, std::string_view host,
                             std::string_view path_prefix, std::vector<std::string>& patterns);

}  // namespace larder::route
