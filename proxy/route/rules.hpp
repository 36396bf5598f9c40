#pragma once
#include "route/table_impl.hpp"

namespace larder::route {

/// Numbers the rules of all read routes (CompiledRoute::rules), and completes their `sharing`.
/// `before` is the table that was in force until now, or null; rules that it also has keep their
/// number.
void number_rules(RouteTable::Impl& table, const std::vector<std::string>& tag_headers,
                  const RouteTable::Impl* before);

}  // namespace larder::route
