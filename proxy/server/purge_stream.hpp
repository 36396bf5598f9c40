#pragma once
#include <memory>

#include "flow/services.hpp"

namespace larder::redis {
class RedisShared;
}

namespace larder::server {

/// Does the purges that stand in the stream redis.purge_stream, on the worker of these services, as
/// long as it runs. Does nothing where no stream is named.
void follow_purge_stream(flow::Services& services, redis::RedisShared& redis);

}  // namespace larder::server
