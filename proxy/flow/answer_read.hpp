#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Answers a read under a route, whose plan is made: from the memory tier, from Redis, or by a
/// fetch.
net::Task<void> answer_read(Client& client);

/// The hot path: a fresh entry of the memory tier, sent with one write, without a coroutine. False:
/// nothing was done, answer_read has to go on.
bool answer_read_at_once(Client& client);

}  // namespace larder::flow
