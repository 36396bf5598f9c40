#pragma once
#include "net/task.hpp"

namespace larder::wire {
struct Connection;
}

namespace larder::wire::http1 {

/// Serves the connection until it ends, and then closes it in its list: request after request,
/// pipelined ones in their order. A hit is answered right from the wake-up; only what has to wait
/// runs as a coroutine.
void serve(Connection& connection);

/// The same for a connection of which nothing was read: it idles, as one object and a wait.
void wait_for_request(Connection& connection);

/// Answers that there are too many connections from the client's address.
[[nodiscard]] net::Task<void> turn_away(Connection& connection);

}  // namespace larder::wire::http1
