#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Whether the response's fields decide what the outcome says about storing: for a read under a
/// route that was not looked up.
enum class Judge : std::uint8_t { no, yes };

/// Forwards the request and the response without storing, for a request that is not a read or a
/// read that bypasses the cache. Streams both ways. After a write it purges before it sends the
/// response. The caller has set the exchange's outcome.
net::Task<void> pass_through(Client& client, Judge judge);

}  // namespace larder::flow
