#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "cache/outcome.hpp"
#include "cache/request_directives.hpp"
#include "http/message.hpp"
#include "redis/store.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {

struct Exchange;

/// What is known of a cacheable read before the lookup. Made once, kept in the exchange.
struct ReadPlan {
    const route::CompiledRoute* route = nullptr;
    bool with_host = true;  ///< the host tells variants apart, because the key does not contain it
    cache::Detail personal = cache::Detail::none;  ///< see personal_reason
    cache::RequestDirectives directives;
};

ReadPlan make_read_plan(const http::RequestHead& request, const route::CompiledRoute& route);

/// Whether the request may get less than the whole response: it has a condition or a range.
inline bool has_condition_or_range(const http::RequestHead& request) {
    return request.fields.has_any(http::FieldId::if_none_match, http::FieldId::if_modified_since,
                                  http::FieldId::range);
}

/// Whether the request carries credentials that the route's key does not cover (cache::personal).
cache::Detail personal_reason(const http::RequestHead& request, const route::CompiledRoute& route);

/// A sentence that says whether a request with credentials is answered from the cache. Empty: the
/// request carries no credentials that matter.
std::string credentials_text(const http::RequestHead& request, const route::CompiledRoute& route);

/// Names the entry that the exchange's request asks for, with views into the exchange. Collects the
/// tags if that was not done yet.
redis::EntryName entry_name(Exchange& exchange);

/// The name of a fetch on the board: the key, the route's rules, the host, and the variant if
/// known. The rules are part of it so that a reader under another configuration does not join: its
/// purges may not reach the entry of this fetch.
std::string fetch_name(const Exchange& exchange, std::string_view variant);

/// The hash of a route's key for UncacheableKeys, with the host as in the entry's variant.
std::uint64_t uncacheable_hash(std::string_view key, const ReadPlan& plan,
                               const http::RequestHead& request);

}  // namespace larder::flow
