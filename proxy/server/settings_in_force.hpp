#pragma once
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace larder::server {

/// The settings in force after a reload. Settings of what is built at the start (listening sockets,
/// the admin address, threads, memory, Redis) keep the running values, so that the result never
/// shows a value that is not in force. Certificates, the admin token and redis.on_purge_failure are
/// taken over. `waiting` gets the changed keys that need a restart.
settings::Settings settings_in_force(const settings::Settings& running, settings::Settings loaded,
                                     std::vector<std::string>& waiting);

}  // namespace larder::server
