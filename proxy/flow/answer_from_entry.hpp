#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// Sends a stored response, or the 304, 206 or 416 that the request's conditions and range ask for.
/// The caller has set the exchange's outcome.
net::Task<void> answer_from_entry(Client& client, cache::Stored entry);

}  // namespace larder::flow
