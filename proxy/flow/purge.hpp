#pragma once
#include <memory>

#include "flow/client.hpp"
#include "observe/purge_records.hpp"
#include "redis/store.hpp"

namespace larder::flow {

/// Purges in this process and in Redis. `done`: no later read gets a purged entry, from this
/// instance or any other. `pending`: the purge is in the journal, see RedisStore::purge. `order`
/// must outlive the call. `token`: of the announcement that this purge ends, or empty.
net::Task<store::PurgeOutcome> purge(Services& services, const store::PurgeOrder& order,
                                     redis::RedisBudget& budget, std::string token = {});

/// Purges in this process only. Any thread.
void purge_here(store::Generations& generations, store::MemoryStore& memory,
                store::FetchBoard& board, const store::PurgeOrder& order);

/// What a write makes stale: the rule's keys and patterns, the entries of its URL and of the URLs
/// in Location and Content-Location, and the groups that the response invalidates. `response` null:
/// there was none, so larder assumes that the write was done. `body`: the response's body if a rule
/// needs it ({json:...}); null: unusable. The result is empty for a safe method, and for a status
/// that says that nothing changed.
store::PurgeOrder order_after_write(const Config& config, const http::RequestHead& request,
                                    const route::Match& match, const http::ResponseHead* response,
                                    const std::string* body,
                                    route::Secrets secrets = route::Secrets::shown);

/// The same by the rules in force, if they are not `used`: a reload came during the write, and
/// later reads use the new ones. Adds to `order`.
void add_newest_rules(Services& services, const Config& used, const http::RequestHead& request,
                      const http::ResponseHead* response, const std::string* body,
                      route::Secrets secrets, store::PurgeOrder& order);

/// What a write purged.
struct WritePurge {
    store::PurgeOrder order;
    std::shared_ptr<const Config> config{};                ///< by whose rules
    std::shared_ptr<const observe::PurgeRecord> record{};  ///< null: there was nothing to purge
    bool was_announced = false;  ///< all of it: Redis holds it until the announcement ends
};

/// What the write is to purge now. If a reload has come since, entries may be found under other
/// names: all of the routes that this may concern are purged.
store::PurgeOrder order_now(Services& services, const WritePurge& purged);

/// What is to be purged in addition where a purge by name was made by the rules of `before`.
store::PurgeOrder renamed_since(const Config& before, const Config& now);

/// What becomes of the announcement of a write when it is purged.
enum class Announced : std::uint8_t {
    ends,
    stays,  ///< the origin's answer is still coming: until its end the write may not be over
};

/// Purges what `order_after_write` names, and returns it. Sets the exchange's `purge_failed` where
/// the answer may not be passed on, because the purge reached no other instance.
net::Task<WritePurge> purge_after_write(Client& client, const http::ResponseHead* response,
                                        const std::string* body,
                                        Announced announced = Announced::ends);

/// Purges the same again at the end of the origin's answer, before the client has it: the origin
/// may have done the write after the beginning of its answer. Ends the announcement. Sets
/// `purge_failed` as purge_after_write does.
net::Task<store::PurgeOutcome> purge_at_end(Client& client, const WritePurge& purged);

/// The record of a write's purges, without what they take from header fields, cookies and bodies.
observe::PurgeRecord record_of_write(const Config& config, const http::RequestHead& request,
                                     const route::Match& match, const http::ResponseHead* response,
                                     const std::string* body, const store::PurgeOrder& purged);

/// Whether the write's rule takes values from the response's body.
bool needs_response_body(const route::Match& match);

}  // namespace larder::flow
