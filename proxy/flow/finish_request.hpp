#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Counts and logs the request that was answered.
void finish_request(Client& client);

}  // namespace larder::flow
