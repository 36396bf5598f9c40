#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace larder::settings {

/// Something wrong (an error) or doubtful (a warning) in a configuration, as `larder check` prints
/// it.
struct Problem {
    enum class Severity { error, warning };
    Severity severity = Severity::error;
    Position at;
    std::string path;     ///< the key's path, "routes[2].ttl"
    std::string message;  ///< what was expected, and what to do
};

using Problems = std::vector<Problem>;

/// "config/larder.yaml:12:15: error: limits.max_object: must not exceed memory"
std::string to_text(const Problem& problem, const std::string& file);

/// {"errors": [{"file", "line", "column", "path", "message"}], "warnings": [...]}. Line and column
/// are 0 for a problem without a place in the file.
boost::json::object to_json(const Problems& problems, const std::string& file);

bool has_errors(const Problems& problems);

}  // namespace larder::settings
