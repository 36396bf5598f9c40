#pragma once
#include "flow/client.hpp"
#include "store/redis_store.hpp"

namespace larder::flow {

/// Purges in this process and in Redis; when it returns `done`, no later read of what was purged gets what was there
/// before, by this instance or any other. `pending`: journalled, see RedisStore::purge.
/// `token`: of the announcement that ends with it, or empty.
net::Task<store::PurgeOutcome> purge(Services& use, store::PurgeOrder order, store::RedisBudget& budget, std::string token = {});

/// What the answer to the client's write makes stale: the rule's keys and patterns, the URL's own entries, those that
/// Location and Content-Location name, and the groups it invalidates. `response` null: there was none, so the outcome is
/// unknown and counts as done. `body`: the response's where a rule needs it ({json:...}); null: unusable.
net::Task<void> purge_after_write(Client& client, const http::ResponseHead* response, const std::string* body);

/// Whether the write's rule takes values from the response's body.
bool needs_response_body(const Client& client);

/// PURGE from an address that may send it (CONTRACT section 5).
net::Task<void> answer_purge(Client& client);

}  // namespace larder::flow
