#pragma once
#include "flow/client.hpp"
#include "net/task.hpp"

namespace larder::flow {

/// Answers an OPTIONS or TRACE that may go no further (Max-Forwards: 0) as its final recipient (RFC
/// 9110, 9.3.7 and 9.3.8): what larder lets through, or the request as it came, without what would
/// give away a credential.
net::Task<void> answer_as_recipient(Client& client);

}  // namespace larder::flow
