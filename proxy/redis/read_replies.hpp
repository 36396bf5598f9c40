#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "redis/reply.hpp"
#include "redis/task.hpp"

namespace larder::redis {

class RedisTransport;

/// Reads replies from a connection until there are so many. False: the connection is lost, or what
/// came is not Redis' protocol. The references outlive the call.
[[nodiscard]] Task<bool> read_replies(std::shared_ptr<RedisTransport> transport,
                                      RedisReplyReader& reader, std::size_t expected,
                                      std::vector<RedisReply>& replies);

}  // namespace larder::redis
