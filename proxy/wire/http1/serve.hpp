#pragma once
#include "net/task.hpp"

namespace larder::wire {
struct Connection;
}

namespace larder::wire::http1 {

/// Serves the connection until it ends, and then closes it in its list. Answers one request after
/// another, pipelined ones in their order. A hit is answered without a coroutine; only an answer
/// that has to wait runs as a coroutine.
void serve(Connection& connection);

/// The same for a connection of which nothing was read. An idle connection costs only its object
/// and a wait.
void wait_for_request(Connection& connection);

/// Answers 503: too many connections from the client's address.
[[nodiscard]] net::Task<void> turn_away(Connection& connection);

}  // namespace larder::wire::http1
