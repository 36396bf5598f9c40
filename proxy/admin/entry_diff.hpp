#pragma once
#include <boost/json/object.hpp>
#include <string_view>

#include "cache/stored_response.hpp"
#include "flow/fetch_aside.hpp"

/// What the origin would send now, compared with what is stored. Pure.
namespace larder::admin {

/// {"same", "status": [stored, now], "headers": [[name, stored, now], ...], "body"}. `same` is
/// about status and body. Fields that differ each time (Date, Age and their kind) are left out.
/// "body" is a unified diff of texts (JSON is laid out first, one member a line), else the two
/// sizes; empty: the bodies are the same.
[[nodiscard]] boost::json::object to_diff(const cache::StoredResponse& stored,
                                          const flow::AsideAnswer& now);

/// A unified diff of two texts, line by line; empty: they are the same.
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after);

}  // namespace larder::admin
