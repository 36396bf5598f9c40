#pragma once
#include <memory>
#include <vector>

#include "route/compiled_route.hpp"
#include "route/route_trie.hpp"

namespace larder::route {

struct RouteTable::Impl {
    std::vector<std::unique_ptr<CompiledRoute>> routes;
    RouteTrie trie;
    std::uint32_t last_rules =
        0;  ///< the highest CompiledRoute::rules of this table and those before it
};

}  // namespace larder::route
