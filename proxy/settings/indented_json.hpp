#pragma once
#include <boost/json.hpp>
#include <string>

namespace larder::settings {

/// JSON for people: two spaces a level, one member a line, a newline at the end. Lists of plain
/// values stay on one line.
std::string indented_json(const boost::json::value& value);

}  // namespace larder::settings
