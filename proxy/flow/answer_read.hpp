#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Answers a read whose plan is made: from the memory tier, from Redis, or by a fetch.
net::Task<void> answer_read(Client& client);

/// The hot path: sends a fresh entry of the memory tier with one write, without a coroutine. False:
/// nothing was done, call answer_read.
bool answer_read_at_once(Client& client);

}  // namespace larder::flow
