#pragma once
#include "flow/client.hpp"
#include "net/task.hpp"

namespace larder::flow {

/// Answers an OPTIONS or TRACE with Max-Forwards: 0 as its final recipient (RFC 9110, 9.3.7 and
/// 9.3.8). OPTIONS gets the methods that larder forwards, TRACE gets the received request without
/// its credentials.
net::Task<void> answer_as_recipient(Client& client);

}  // namespace larder::flow
