#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cache/body.hpp"

namespace larder::cache {

/// How long a stored response may be used, worked out once when it was stored (RFC 9111, 4.2) and
/// kept with it.
struct Freshness {
    WallTime requested_at{};   ///< when the request that fetched it was sent
    WallTime received_at{};    ///< when its head had arrived
    Seconds initial_age{0};    ///< RFC 9111 4.2.3, corrected_initial_age
    Milliseconds lifetime{0};  ///< freshness lifetime; whole seconds but where a route's ttl is not
    Milliseconds stale_while_revalidate{0};
    Milliseconds stale_if_error{0};
    bool must_revalidate =
        false;              ///< never served stale (must-revalidate, proxy-revalidate, s-maxage)
    bool no_cache = false;  ///< never served without a successful validation
    bool shared = false;    ///< public or s-maxage: may answer requests with any credentials
    bool shared_if_authorized = false;  ///< or must-revalidate: may answer requests with
                                        ///< Authorization (3.5)
};

/// One name a response depends on and the id it had at the fill (redis/ids.hpp).
struct TagId {
    std::string name;
    std::string id;
};

/// A response on its way into the cache: what a fetch, a 304 or Redis has told of it so far. One
/// thread's. `make_stored` makes the stored response of it.
struct Draft {
    int status = 200;
    Freshness freshness;
    std::string head;  ///< status line and field lines as they are sent, each ended by CRLF, with
                       ///< Content-Length, without the blank line, the hop-by-hop fields, Age,
                       ///< X-Cache and larder's Cache-Status member
    Body body;
    std::string etag;              ///< as in the field, W/ and quotes included; empty: none
    std::string last_modified;     ///< as in the field; empty: none
    std::string content_encoding;  ///< as in the field, all lines; empty: none (see accepts_coding)
    std::string target;            ///< the request target it answered
    std::vector<std::string> vary;  ///< lower-case names of the selecting fields, sorted
    std::string variant;            ///< which variant of its key it is (see vary)
    std::vector<TagId> tags;        ///< rule tags, in the order route::collect_tags gives
    std::vector<TagId>
        response_tags;  ///< Surrogate-Key, Cache-Tag, Cache-Groups and the route's `tags`
    /// True: `head` tells clients something else than the origin did (cache/client_head.hpp). Then
    /// `origin_lines` holds the origin's own lines of the fields that larder writes or leaves out.
    bool rewritten = false;
    std::string origin_lines;

    std::string soft_id;           ///< the key's soft-purge mark at the fill
    std::uint64_t everything = 0;  ///< the id that all entries in Redis carried at the fill
    std::uint64_t fill_guard = 0;  ///< the guard in Redis that it was filled under

    // ---- for the memory tier
    std::string key;
    /// What it checks on every hit: slots of store::Generations (the key's, the tags') and the
    /// purge sequence the fetch, or the read from Redis, began under.
    std::vector<std::uint32_t> guards;
    std::uint64_t sequence = 0;
};

}  // namespace larder::cache
