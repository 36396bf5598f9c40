#pragma once
#include <memory>
#include <optional>
#include <string>

#include "redis/sentinel_words.hpp"
#include "redis/task.hpp"
#include "redis/url.hpp"

namespace larder::redis {

class RedisTransport;

/// What one sentinel says of the master, or why it does not tell.
struct SentinelAnswer {
    std::optional<SentinelWord> word;
    std::string problem;
};
/// Connects to that sentinel and asks it. It takes as long as it takes: close the transport to end
/// it. The transport stays connected.
[[nodiscard]] Task<SentinelAnswer> ask_sentinel(std::shared_ptr<RedisTransport> transport,
                                                RedisAddress sentinel, std::string password,
                                                std::string master);
/// Asks the sentinel once more, over a transport on which it has answered.
[[nodiscard]] Task<SentinelAnswer> ask_sentinel_again(std::shared_ptr<RedisTransport> transport,
                                                      std::string master);

}  // namespace larder::redis
