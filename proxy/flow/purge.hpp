#pragma once
#include "flow/client.hpp"
#include "redis/store.hpp"

namespace larder::flow {

/// Purges in this process and in Redis; when it returns `done`, no later read of what was purged
/// gets what was there before, by this instance or any other. `pending`: journalled, see
/// RedisStore::purge. `order` must outlive the call. `token`: of the announcement that ends with
/// it, or empty.
net::Task<store::PurgeOutcome> purge(Services& services, const store::PurgeOrder& order,
                                     redis::RedisBudget& budget, std::string token = {});

/// The part of it that concerns this process only. Any thread.
void purge_here(store::Generations& generations, store::MemoryStore& memory,
                store::FetchBoard& board, const store::PurgeOrder& order);

/// What the answer to the client's write makes stale: the rule's keys and patterns, the URL's own
/// entries, those that Location and Content-Location name, and the groups it invalidates.
/// `response` null: there was none, so the outcome is unknown and counts as done. `body`: the
/// response's where a rule needs it ({json:...}); null: unusable. Empty for a safe method, and for
/// a status that says that nothing changed.
store::PurgeOrder order_after_write(const Config& config, const http::RequestHead& request,
                                    const route::Match& match, const http::ResponseHead* response,
                                    const std::string* body);

/// Purges that, and returns it.
net::Task<store::PurgeOrder> purge_after_write(Client& client, const http::ResponseHead* response,
                                               const std::string* body);

/// Whether the write's rule takes values from the response's body.
bool needs_response_body(const route::Match& match);

/// PURGE from an address that may send it (purge_from).
net::Task<void> answer_purge(Client& client);

}  // namespace larder::flow
