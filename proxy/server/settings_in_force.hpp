#pragma once
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace larder::server {

/// The settings in force after a reload. Settings of what is built at the start (the admin address,
/// threads, state, Redis, and with Redis whether there is a memory tier at all) keep the running
/// values, so that the result never shows a value that is not in force. All others are taken over.
/// `waiting` gets the changed keys that need a restart.
settings::Settings settings_in_force(const settings::Settings& running, settings::Settings loaded,
                                     std::vector<std::string>& waiting);

}  // namespace larder::server
