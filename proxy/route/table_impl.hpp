#pragma once
#include <memory>
#include <vector>

#include "route/compiled_route.hpp"
#include "route/route_trie.hpp"

namespace larder::route {

struct RouteTable::Impl {
    std::vector<std::unique_ptr<CompiledRoute>> routes;
    RouteTrie trie;
};

}  // namespace larder::route
