#pragma once

namespace larder::wire {
struct Connection;
}

namespace larder::wire::http2 {

/// Serves the connection as HTTP/2 until it ends, and then closes it in its list. The first bytes
/// may be in its buffer already.
void serve(Connection& connection);

}  // namespace larder::wire::http2
