#pragma once
#include "route/table_impl.hpp"

namespace larder::route {

/// Numbers the rules of all read routes (CompiledRoute::rules). `before` is the table that was in
/// force until now: rules that it has as well keep its number; null: there was none.
void number_rules(RouteTable::Impl& table, const RouteTable::Impl* before);

}  // namespace larder::route
