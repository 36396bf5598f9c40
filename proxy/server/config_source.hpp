#pragma once
#include <string>

#include "settings/load_settings.hpp"

namespace larder::server {

/// How a configuration is made, and made again: from the file named on the command line, with the
/// command line's own words over it.
struct ConfigSource {
    std::string file;  ///< empty: the embedded default
    settings::Overrides overrides;
};

/// Loads and checks. Problems are appended; the result must not be used where they hold errors.
settings::Settings load(const ConfigSource& source, settings::Problems& problems);

/// The errors among the problems, one on each line.
std::string errors_of(const settings::Problems& problems, const std::string& file);

}  // namespace larder::server
