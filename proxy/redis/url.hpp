#pragma once
#include "base/host_port.hpp"
#include "settings/settings.hpp"

namespace larder::redis {

using settings::RedisUrl;

using RedisAddress = HostPort;

}  // namespace larder::redis
