#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// The hot path: a request whose answer is a fresh entry of the memory tier is answered before
/// anything waits. True: done (the exchange says how; `rest_of` what is still to be written). Finds
/// route and key on the way; the exchange keeps them.
bool answer_at_once(Client& client);

/// Answers the request whose head has been parsed. Start reading here: everything that can happen
/// to a request branches off below.
net::Task<void> answer_request(Client& client);

}  // namespace larder::flow
