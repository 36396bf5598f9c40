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

/// What is known of a cacheable read before anything is looked up: made once, kept in the exchange.
struct ReadPlan {
    const route::CompiledRoute* route = nullptr;
    bool with_host = true;  ///< the target URI's host tells variants apart, since the key does not
    cache::Detail personal = cache::Detail::none;  ///< see personal_reason
    cache::RequestDirectives directives;
};

ReadPlan make_read_plan(const http::RequestHead& request, const route::CompiledRoute& route);

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

/// The entry that the exchange's request asks for; views into the exchange. Works out the tags if
/// that was not done yet.
redis::EntryName entry_name(Exchange& exchange);

/// The board's name for the fetch of a key by one Host under the route's rules, and of one variant
/// where it is known. A reader of another configuration does not join a fetch whose entry its
/// purges may not reach.
std::string fetch_name(const Exchange& exchange, std::string_view variant);

/// Under which UncacheableKeys know the key of a route.
std::uint64_t uncacheable_hash(std::string_view key, const route::CompiledRoute& route);

}  // namespace larder::flow
