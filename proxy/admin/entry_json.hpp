#pragma once
#include <boost/json/object.hpp>
#include <string>

#include "admin/entry_walk.hpp"
#include "route/route_table.hpp"

/// Stored responses as JSON, for GET /entries and /entry. Pure.
namespace larder::admin {

/// The path template of the route whose GET a stored response answers; empty: none any more.
[[nodiscard]] std::string route_of(const route::RouteTable& routes,
                                   const cache::StoredResponse& entry);

/// An item of /entries. Age, lifetime and tags are those of the newest variant.
[[nodiscard]] boost::json::object to_listed(const ShownKey& key, const std::string& route,
                                            WallTime now);

/// A variant of /entry. The body is text where it is UTF-8, else base64 as "body_base64".
[[nodiscard]] boost::json::object to_variant(const ShownEntry& entry, bool with_body, WallTime now);

}  // namespace larder::admin
