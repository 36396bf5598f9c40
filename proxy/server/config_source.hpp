#pragma once
#include <string>

#include "settings/load_settings.hpp"

namespace larder::server {

/// Where the configuration comes from, at the start and at a reload: the file named on the command
/// line, overridden by the command line's options.
struct ConfigSource {
    std::string file;  ///< empty: the embedded default
    settings::Overrides overrides;
};

/// Loads and checks. Appends problems; the result must not be used if one of them is an error.
settings::Settings load(const ConfigSource& source, settings::Problems& problems);

/// The same, and all that `larder check` says: warnings, and examples that do not hold.
settings::Settings load_and_judge(const ConfigSource& source, settings::Problems& problems);

/// The errors among the problems, one on each line.
std::string errors_of(const settings::Problems& problems, const std::string& file);

}  // namespace larder::server
