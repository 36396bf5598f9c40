#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// The hot path: answers the request if the memory tier has a fresh entry, without waiting. True:
/// done; the exchange holds the outcome. Finds the route and the key; the exchange keeps them for
/// answer_request.
bool answer_at_once(Client& client);

/// Answers the request whose head has been parsed. Start reading here: every path of a request
/// branches off below.
net::Task<void> answer_request(Client& client);

}  // namespace larder::flow
