#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "redis/task.hpp"
#include "redis/url.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;
class RedisTransport;

/// What one sentinel says: where the master is, or why it does not tell.
struct SentinelAnswer {
    std::optional<RedisAddress> master;
    std::string problem;
};
/// Connects to that sentinel and asks it. It takes as long as it takes: close the transport to end
/// it.
[[nodiscard]] Task<SentinelAnswer> ask_sentinel(std::shared_ptr<RedisTransport> transport,
                                                RedisAddress sentinel, std::string password,
                                                std::string master);

/// Asks all sentinels of the URL at once where the master is: the first good answer decides, so
/// that a silent one costs no wait. Nothing where none of them knows within `longest`. An address
/// that turned out to be no master (NodeAddress::not_the_master) is taken only where no other
/// sentinel names another one. Sentinels that are of no use are named in the log.
[[nodiscard]] Task<std::optional<RedisAddress>> find_master(boost::asio::io_context& context,
                                                            RedisShared& shared,
                                                            const RedisNode& node,
                                                            Milliseconds longest);

}  // namespace larder::redis
