#pragma once
#include <string>

#include "settings/settings.hpp"

namespace larder::settings {

/// The settings with `auto` replaced by its value on this machine: threads and
/// redis.max_connections.
Settings with_automatic_values(Settings settings);

/// The settings as indented JSON in the configuration's own keys and units, every default written
/// out: what the admin shows. It loads again as a configuration, because JSON is YAML. Passwords in
/// URLs, the admin's tokens and the credentials in examples are `***`.
std::string effective_config(const Settings& settings);

}  // namespace larder::settings
