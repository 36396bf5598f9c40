#pragma once
#include "flow/client.hpp"
#include "net/task.hpp"

namespace larder::flow {

/// Answers PURGE: purges the URL, or the tags that the request names in one of `tag_headers`, in
/// `xkey-purge` or in `xkey-softpurge`. Refuses it unless the address is in purge_from.
net::Task<void> answer_purge(Client& client);

}  // namespace larder::flow
