#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// `audit`: sends a share of the requests that were answered from the cache to the origin as well,
/// in the background, and counts whether it answers the same. Never a request with credentials, and
/// never more than ten at once.
void audit_if_chosen(Client& client, const cache::Stored& entry);

}  // namespace larder::flow
