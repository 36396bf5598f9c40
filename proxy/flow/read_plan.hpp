#pragma once
#include <string>

#include "cache/request_directives.hpp"
#include "flow/client.hpp"
#include "redis/store.hpp"

namespace larder::flow {

/// What is known of a cacheable read before anything was looked up. Views into the exchange.
struct ReadPlan {
    const route::CompiledRoute* route = nullptr;
    bool with_host = true;
    cache::Detail personal = cache::Detail::none;
    cache::RequestDirectives directives;
};

/// Whether the request asks for less than the whole: by a condition of its own, or a range.
inline bool has_condition_or_range(const http::RequestHead& request) {
    return request.fields.has_any(http::FieldId::if_none_match, http::FieldId::if_modified_since,
                                  http::FieldId::range);
}

/// Whether the request carries credentials that the route's key does not cover (cache::personal).
cache::Detail personal_reason(const http::RequestHead& request, const route::CompiledRoute& route);

/// Whether a request with credentials is answered from the cache, as a sentence; empty where it
/// carries none that matter.
std::string credentials_text(const http::RequestHead& request, const route::CompiledRoute& route);

ReadPlan make_read_plan(const http::RequestHead& request, const route::CompiledRoute& route);

/// The entry the exchange's request asks for; views into the exchange. Works out the tags if that
/// was not done yet.
redis::EntryName entry_name(Exchange& exchange, const ReadPlan& plan);

/// The board's name for the fetch of a key by one Host under the route's rules, and of one variant
/// where it is known. A reader of another configuration does not join a fetch whose entry its
/// purges may not reach.
std::string fetch_name(const Exchange& exchange, const ReadPlan& plan, std::string_view variant);

/// Under which UncacheableKeys know the key of a route.
std::uint64_t uncacheable_hash(std::string_view key, const route::CompiledRoute& route);

/// Answers a read under a route: from the memory tier, from Redis, or by a fetch.
net::Task<void> answer_read(Client& client);

/// The hot path: a fresh entry of the memory tier, sent with one write, without a coroutine of its
/// own. False: nothing was done, answer_read has to go on.
bool answer_read_at_once(Client& client);

/// Sends a stored response, or the 304, 206 or 416 that the request makes of it.
net::Task<void> answer_from_entry(Client& client, cache::Stored entry);

/// Waits for the fetch and sends what it brings. `own`: this request began it.
enum class FetchAnswer : std::uint8_t {
    sent,     ///< answered, well or with an error
    alone,    ///< the result is not for this request: it has to fetch for itself
    variant,  ///< the result is another variant: try again for one's own
    purged,   ///< a tag that the result turned out to have was purged since its fetch began: try
              ///< again
    failed,   ///< the fetch it joined failed: one of those who waited tries again for all
};
struct Joining {
    store::FetchPtr fetch;
    bool own = false;
    cache::Stored stale;         ///< what may be served if the origin fails; null: nothing
    bool other_variant = false;  ///< only other variants were there
    bool expired = false;        ///< something stale was there: EXPIRED instead of MISS
    bool asked = false;  ///< something fresh was there, but the client's own Cache-Control wants it
                         ///< confirmed
    bool soft_purged =
        false;  ///< `stale` was purged softly: it counts as expired, however long it had left
    redis::RedisBudget* budget = nullptr;  ///< of one who joined, the caller's
    bool retried = false;  ///< the fetch it joined before had failed: no further try
};
/// For one who joined a fetch whose head is there: response tags are known only then, and a purge
/// of one since the fetch began, here or by another instance, closes its door too.
net::Task<bool> tags_current(Client& client, store::FetchPtr fetch, redis::RedisBudget& budget);

net::Task<FetchAnswer> answer_from_fetch(Client& client, ReadPlan plan, Joining joining);

/// Whether the entry serves this request, and how that is shown.
void show_hit(Exchange& exchange, const cache::StoredResponse& entry, cache::XCache word,
              cache::Detail detail, WallTime now);

}  // namespace larder::flow
