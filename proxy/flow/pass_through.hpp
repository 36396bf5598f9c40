#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Sends the request on and the answer back, storing nothing: what is no read, or a read that the
/// cache has no business with. Streams both ways. After a write it purges before the answer is
/// released. `outcome` of the exchange says what is shown; for a read under a route, what the
/// answer's own fields say about storing is shown too (`judge`).
net::Task<void> pass_through(Client& client, bool judge);

/// Both directions copied until both have ended (101 Switching Protocols; RFC 9110, 7.8).
net::Task<void> run_tunnel(Client& client, net::Stream& origin, net::Buffer& origin_in);

}  // namespace larder::flow
