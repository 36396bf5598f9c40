#pragma once
#include <cstdint>
#include <string_view>

/// What happened to a request, in the words that headers, log and metrics share (proxy/README.md,
/// "What a response shows").
namespace larder::cache {

enum class XCache : std::uint8_t {
    hit,
    miss,
    expired,
    revalidated,
    updating,
    stale,
    bypass,
    count_
};

/// "HIT", "MISS", ...
std::string_view to_word(XCache x);

/// The closed list of `detail` tokens.
enum class Detail : std::uint8_t {
    none,
    no_route,             ///< no route takes the request
    pass,                 ///< the route says cache: off
    shadow,               ///< the route is in shadow mode
    authorization,        ///< the request has Authorization and the answer is not marked as shared
    cookie,               ///< the same with Cookie
    set_cookie,           ///< the response sets a cookie
    private_,             ///< Cache-Control: private
    no_store,             ///< Cache-Control: no-store
    vary_star,            ///< Vary: *
    vary_limit,           ///< Vary names too many fields
    too_large,            ///< larger than max_object
    status,               ///< the status is not stored without an explicit lifetime
    partial,              ///< a 206, or a 304 nobody asked for
    no_lifetime,          ///< neither origin nor route grant a lifetime
    query,                ///< query: bypass
    unsafe_header,        ///< the request carries a method override or the like
    redis_down,           ///< Redis cannot be asked
    redis_timeout,        ///< the wait for Redis was cut
    purged_during_fetch,  ///< a purge overtook the fetch
    uncacheable,          ///< remembered as uncacheable from the last answer
    origin_error,         ///< the origin could not be reached or answered nonsense
    origin_timeout,       ///< the origin was too slow
    revalidating,         ///< stale, served while one request refreshes it
    truncated,            ///< the origin closed before the announced end
    upgrade,              ///< the request asks for another protocol
    range,                ///< a range the cache does not serve
    body,                 ///< a read request with a body
    only_if_cached,       ///< the client wanted a cached answer and there is none
    bad_request,          ///< the request breaks HTTP
    client_timeout,       ///< the client was too slow
    limit,            ///< a limit of the configuration, or more tags in a response than are kept
    foreign_key,      ///< the key in Redis holds something that is not larder's
    stream,           ///< an event stream, which a route's ttl does not cover
    not_implemented,  ///< a method or transfer coding larder does not do
    unavailable,      ///< no origin server, or draining
    purge_failed,     ///< on_purge_failure: fail, and Redis cannot be asked
    purge_denied,     ///< PURGE from an address not in purge_from
    count_
};

/// "no-route", ...; empty for none.
std::string_view to_token(Detail detail);

}  // namespace larder::cache
