#pragma once
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace larder::server {

/// What of newly loaded settings holds without a restart. What is built at the start (listening
/// sockets, the admin address, threads, memory, Redis) stays as it runs, so that nobody believes a
/// setting that is not in force; certificates, the admin token and redis.on_purge_failure are taken
/// over. `waiting` gets the keys that hold only after a restart.
settings::Settings settings_in_force(const settings::Settings& running, settings::Settings loaded,
                                     std::vector<std::string>& waiting);

}  // namespace larder::server
