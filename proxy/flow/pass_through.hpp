#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Whether the response's own fields decide what is shown about storing: for a read under a route
/// that was not looked up.
enum class Judge : std::uint8_t { no, yes };

/// Sends the request on and the response back, storing nothing: of what is no read, or of a read
/// that the cache has no business with. Streams both ways. After a write it purges before the
/// response is released. The exchange's outcome says what is shown.
net::Task<void> pass_through(Client& client, Judge judge);

}  // namespace larder::flow
