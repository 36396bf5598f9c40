#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Sends a stored response, or the 304, 206 or 416 that the request makes of it. The exchange's
/// outcome says what is shown.
net::Task<void> answer_from_entry(Client& client, cache::Stored entry);

}  // namespace larder::flow
