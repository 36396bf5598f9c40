#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Answers a read by a fetch that other requests may join, or joins another request's fetch. The
/// exchange holds the lookup.
[[nodiscard]] net::Task<void> fetch_together(Client& client, redis::RedisBudget budget);

/// Answers a read by a fetch for this request alone: it carries credentials, or its route is in
/// shadow mode.
[[nodiscard]] net::Task<void> fetch_alone(Client& client, redis::RedisBudget budget);

/// Refreshes the entry of the lookup in the background, unless a fetch for it is under way.
void refresh(Client& client);

/// `refresh_ahead`: starts a refresh of the fresh entry that answers the request, if its lifetime
/// is nearly over and no hit of this worker started one before.
void refresh_if_due(Client& client, const cache::Stored& entry);

}  // namespace larder::flow
