#pragma once
#include <variant>

#include "admin/backend.hpp"
#include "route/route_table.hpp"
#include "store/purge_order.hpp"

namespace larder::admin {

/// What an order from outside comes to under the routes: keys and tags that are purged at once, and
/// patterns that take a scan.
struct ResolvedPurge {
    PurgeOrder asked;  ///< with the keys and patterns that its URLs came to
    store::PurgeOrder order;
};

/// The order resolved, or a sentence that says what is wrong with it.
[[nodiscard]] std::variant<ResolvedPurge, std::string> resolve_purge(
    PurgeOrder asked, const route::RouteTable& routes);

}  // namespace larder::admin
