#pragma once
#include <variant>

#include "admin/backend.hpp"
#include "route/route_table.hpp"
#include "store/purge_order.hpp"

namespace larder::admin {

/// An order from outside, resolved by the routes: keys and tags that are purged at once, and
/// patterns that need a scan.
struct ResolvedPurge {
    PurgeOrder asked;  ///< with the keys and patterns of its URLs
    store::PurgeOrder order;
};

/// The resolved order, or a sentence that says what is wrong.
[[nodiscard]] std::variant<ResolvedPurge, std::string> resolve_purge(
    PurgeOrder asked, const route::RouteTable& routes);

}  // namespace larder::admin
