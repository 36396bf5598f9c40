#pragma once
#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "settings/shape.hpp"

namespace larder::settings {

/// The JSON Schema (draft-07) of the configuration: what the readers take, with the descriptions
/// and the defaults. A value that holds `${` is accepted everywhere, because it depends on the
/// environment.
[[nodiscard]] boost::json::object config_schema();

/// What each key is for, by its path ("limits.header_bytes", "routes[].ttl", "listen[].address").
[[nodiscard]] const std::map<std::string, std::string>& key_descriptions();

}  // namespace larder::settings
