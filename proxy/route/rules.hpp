#pragma once
#include "route/table_impl.hpp"

namespace larder::route {

/// Numbers the rules of all read routes (CompiledRoute::rules). `before` is the table that was in
/// force until now, or null; rules that it also has keep their number.
void number_rules(RouteTable::Impl& table, const RouteTable::Impl* before);

}  // namespace larder::route
