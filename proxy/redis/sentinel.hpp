#pragma once
#include <optional>

#include "base/clock.hpp"
#include "redis/task.hpp"
#include "redis/url.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// Asks all sentinels of the URL at once where the master is: the first good answer decides, so
/// that a silent one costs no wait. Nothing where none of them knows within `longest`. An address
/// that turned out to be no master (NodeAddress::not_the_master) is taken only where no other
/// sentinel names another one. Sentinels that are of no use are named in the log.
[[nodiscard]] Task<std::optional<RedisAddress>> find_master(boost::asio::io_context& context,
                                                            RedisShared& shared,
                                                            const RedisNode& node,
                                                            Milliseconds longest);

}  // namespace larder::redis
