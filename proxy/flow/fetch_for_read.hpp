#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Answers a read by a fetch that others may join, or joins theirs. The exchange holds the lookup.
[[nodiscard]] net::Task<void> fetch_together(Client& client, redis::RedisBudget budget);

/// Answers a read by a fetch for this request alone: it carries credentials, or its route is in
/// shadow mode.
[[nodiscard]] net::Task<void> fetch_alone(Client& client, redis::RedisBudget budget);

/// Has one request refresh the entry of the lookup in the background.
void refresh(Client& client);

}  // namespace larder::flow
