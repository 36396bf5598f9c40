#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "http/credential_names.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

/// The decisions of RFC 9111, each a function of (request, response or stored response, rule, now).
/// Nothing else in the program decides them. The sources are storable.cpp, freshness.cpp,
/// reuse.cpp, vary.cpp, invalidation.cpp.
namespace larder::cache {

/// What the route's key says about whose entry it is.
struct KeyCoverage {
    bool has_authorization = false;  ///< {header:authorization} is in the key
    const std::vector<std::string>* cookies =
        nullptr;                     ///< the names of {cookie:...} in the key; null: none
    bool has_cookie_header = false;  ///< {header:cookie} is in the key: covers every cookie
    const http::CredentialNames* credentials =
        nullptr;  ///< further fields that carry an identity and are not in the key; null: none
};

// ---- the request

/// Whether a read request stays out of the cache altogether, and why: Upgrade, a body, a field that
/// claims another method, path or user than the request has, or, from a trusted peer, another
/// scheme, host, port or prefix than the origin is told in X-Forwarded-Proto and -Host
/// (http/claims.hpp), a Connection that takes away a field of the request which key or Vary might
/// count on, and If-Match or If-Unmodified-Since (`pass`), which only the origin can judge.
/// `key_headers`: lower-case names of the fields that the route's key holds. Authorization and
/// Cookie do not decide here: see `personal`.
Detail request_bypass(const http::RequestHead& request,
                      std::span<const std::string> key_headers = {});

/// Whether the request carries credentials that neither the key nor `ignore` covers: it may then
/// only be answered with, and only plant, what the origin marked as shared. Returns none,
/// authorization (for the fields of `credentials` too) or cookie.
Detail personal(const http::RequestHead& request, const settings::Route& rule,
                const KeyCoverage& coverage);

/// The directives of the request that the cache obeys. no_cache, no_store, max_age, min_fresh and
/// max_stale are only set where the route says client_no_cache: honour; only_if_cached always (RFC
/// 9111, 5.2.1). Pragma: no-cache counts as no-cache where there is no Cache-Control (5.4).
struct RequestDirectives {
    bool no_cache = false;
    bool no_store = false;
    bool only_if_cached = false;
    std::optional<Seconds> max_age;
    std::optional<Seconds> min_fresh;
    std::optional<Seconds> max_stale;  ///< Seconds::max(): any
};
RequestDirectives request_directives(const http::RequestHead& request, const settings::Route& rule);

// ---- storing (RFC 9111, 3)

struct StoreDecision {
    Detail reason = Detail::none;  ///< none: store it
    Freshness freshness;
    std::vector<std::string>
        vary;  ///< lower-case names, sorted, without duplicates; empty under ignore: [vary];
               ///< accept-encoding is among them where the response has a content coding
    std::vector<std::string>
        omit;  ///< lower-case names of fields not to be stored (private="..", no-cache="..")
};

/// The head of a GET's (or HEAD's) final response decides. `requested_at` and `received_at` as in
/// RFC 9111 4.2.3. `personal_reason` is what `personal` said of the request. Every Detail that the
/// contract lists for not storing can be the reason, but for those that only the body or the store
/// know (too_large, truncated, purged_during_fetch).
StoreDecision decide_storable(const http::RequestHead& request, const http::ResponseHead& response,
                              const settings::Route& rule, Detail personal_reason,
                              WallTime requested_at, WallTime received_at);

// ---- freshness (RFC 9111, 4.2)

/// Whether it was received after `now`, more than a second: then a clock was set back, its age is
/// unknown, and it is stale whatever its lifetime. Clocks of instances differ by less.
bool is_from_the_future(const Freshness& freshness, WallTime now);

/// current_age at `now`, never negative, saturating.
Seconds current_age(const Freshness& freshness, WallTime now);

/// What is left of the lifetime at `now`; zero or negative once stale. Decides, to the millisecond.
/// Nothing is left of what is from the future.
Milliseconds time_left(const Freshness& freshness, WallTime now);

/// The same in whole seconds, of the lifetime rounded down: what is shown, and what a client's
/// directives are held against.
Seconds remaining_lifetime(const Freshness& freshness, WallTime now);

// ---- reuse (RFC 9111, 4)

enum class Verdict : std::uint8_t {
    serve,              ///< fresh: HIT
    serve_and_refresh,  ///< stale within stale-while-revalidate: UPDATING, one request refreshes it
                        ///< in the background
    revalidate,  ///< stale, or no-cache: ask the origin, conditionally where there is a validator
    fetch,       ///< unusable for this request: as if it were not there
    refuse,      ///< only-if-cached and not servable: 504
};

/// What is from the future is revalidated: it is served neither as fresh nor as stale.
/// `soft_purged`: a soft purge counts the entry as expired from `now` on. A personal request (see
/// `personal`) may use only an entry marked as shared: else `fetch`.
Verdict decide_reuse(const StoredResponse& stored, const RequestDirectives& directives,
                     Detail personal_reason, bool soft_purged, WallTime now);

/// Whether the stale entry may answer because the origin failed: could not be reached, timed out,
/// or answered 500, 502, 503 or 504 (stale-if-error of response and rule; RFC 9111 4.2.4 without:
/// not).
bool may_serve_on_error(const StoredResponse& stored, const RequestDirectives& directives,
                        bool soft_purged, WallTime now);

// ---- variants (RFC 9111, 4.1)

/// Which variant of the key a request asks for: scheme and authority of its target URI (the
/// authority not where the route's key pins it) and the request's values of the named fields,
/// normalised: white space and list joins; Accept-Encoding reduced to the set of codings that are
/// accepted, other fields left alone. A short printable text; long ones end in a SHA-256 so that no
/// two differing requests share it. `vary` as in StoreDecision. Replaces `out`.
void build_variant(const http::RequestHead& request, const std::vector<std::string>& vary,
                   bool with_host, std::string& out);

/// Scheme and authority that a variant is of.
struct VariantTarget {
    std::string scheme;     ///< empty where the variant is too long to be told
    std::string authority;  ///< empty where it is of none (the route's key pins it)
};
VariantTarget target_of_variant(std::string_view variant);

/// Whether the request accepts the content coding of the stored response. False means `fetch`:
/// without Vary an entry can hold a coding the client cannot decode. Costs nothing where the stored
/// response has none.
bool accepts_coding(const http::RequestHead& request, const StoredResponse& stored);

// ---- validation (RFC 9111, 4.3)

/// The validators to send to the origin for a stored response: If-None-Match and/or
/// If-Modified-Since lines with CRLF.
std::string conditional_fields(const StoredResponse& stored);

/// What the 304 makes of the stored response (RFC 9111, 4.3.4 and 3.2): the fields of the 304
/// replace those stored but for the excluded ones (Content-Length, Content-Encoding, Content-Range,
/// Transfer-Encoding, hop-by-hop and those no-cache or private name), the freshness is worked out
/// anew. `variant`, tags and ids are taken over; where `vary` differs from the stored one the
/// caller builds the variant anew, and the response tags are the caller's to work out. Null where
/// the 304 does not belong to the stored response (another strong ETag, or nothing that the origin
/// could have been asked by) or where the result may no longer be stored (`reason` says why, none
/// for the former).
boost::intrusive_ptr<StoredResponse> freshen(const StoredResponse& stored,
                                             const http::RequestHead& request,
                                             const http::ResponseHead& not_modified,
                                             const settings::Route& rule, Detail personal_reason,
                                             WallTime requested_at, WallTime received_at,
                                             Detail& reason);

/// The same for a 200 that answered HEAD (RFC 9111, 4.3.5): where its ETag or its Last-Modified is
/// the stored one, and none of ETag, Last-Modified, Content-Encoding and Content-Length
/// contradicts, its fields update the stored ones, else null with reason none. Without a validator
/// in both, nothing tells whether the body is still the same.
boost::intrusive_ptr<StoredResponse> freshen_from_head(
    const StoredResponse& stored, const http::RequestHead& request,
    const http::ResponseHead& response, const settings::Route& rule, Detail personal_reason,
    WallTime requested_at, WallTime received_at, Detail& reason);

/// What the client's own preconditions make of a 200 (RFC 9110, 13.2.2): If-None-Match before
/// If-Modified-Since. If-Match and If-Unmodified-Since never get here (see request_bypass).
enum class Precondition : std::uint8_t { pass, not_modified };
Precondition evaluate_preconditions(const http::RequestHead& request, std::string_view etag,
                                    std::string_view last_modified);

/// The same for a stored response: only a 200 can become a 304, and without Last-Modified its Date
/// stands in (RFC 9111, 4.3.2).
Precondition evaluate_preconditions(const http::RequestHead& request, const StoredResponse& stored,
                                    WallTime now);

// ---- ranges (RFC 9110, 14)

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< inclusive
};

enum class RangeVerdict : std::uint8_t {
    whole,          ///< no usable Range (or If-Range does not match): send the 200
    partial,        ///< one range: 206
    unsatisfiable,  ///< 416 with Content-Range: bytes */size
};

struct RangeDecision {
    RangeVerdict verdict = RangeVerdict::whole;
    ByteRange range;
};

/// Only GET's Range counts. Several ranges are coalesced where they overlap or touch, else served
/// whole.
RangeDecision decide_range(const http::RequestHead& request, std::string_view etag,
                           std::string_view last_modified, std::uint64_t size);

/// The same for a stored 200, any other status is served whole. A date in If-Range only counts
/// where Last-Modified is a strong validator, a second or more before Date (RFC 9110, 8.8.2.2).
RangeDecision decide_range(const http::RequestHead& request, const StoredResponse& stored);

// ---- invalidation (RFC 9111, 4.4)

/// Whether the answer to a request that may be a write (http::is_write) invalidates: 2xx, 3xx, and
/// an unknown outcome (5xx; no answer at all counts by the caller). 4xx do not, so that rejected
/// writes cannot be used to empty the cache.
bool invalidates(const http::RequestHead& request, int status);

/// The targets (origin-form) of all Location and Content-Location lines that are of the same origin
/// as the request.
std::vector<std::string> related_targets(const http::RequestHead& request,
                                         const http::ResponseHead& response);

// ---- what is kept and sent

/// Serialises the head to store or send: the status line and the field lines but for hop-by-hop
/// ones (Connection and those it names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding,
/// Upgrade), Age, X-Cache, those in `omit` and `rule.strip`; names' case, order and repeats kept. A
/// Content-Length is kept in its place where it agrees with `body_size` and added at the end
/// otherwise; a missing Date is added (RFC 9110, 6.6.1). The origin's Cache-Status members stay.
void append_stored_head(const http::ResponseHead& response, const std::vector<std::string>& omit,
                        const std::vector<std::string>& strip, std::uint64_t body_size,
                        WallTime received_at, std::string& out);

/// The field lines of a stored head, views into `head`; what was in `fields` is dropped.
void parse_stored_head(std::string_view head, std::vector<http::Field>& fields);

/// Sets etag, last_modified and content_encoding from the head. Call it when the head is set, or
/// read back.
void index_stored_head(StoredResponse& stored);

/// The response tags the origin sent: Surrogate-Key (space separated), Cache-Tag (comma separated),
/// Cache-Groups (RFC 9875, each prefixed "group:"). Appended to `tags`: all that it names, each
/// once, however many. See are_within_tag_bounds.
void collect_origin_tags(const http::ResponseHead& response, std::vector<std::string>& tags);

/// Leaves the first of equal names, in their order. Linear.
void remove_repeats(std::vector<std::string>& names);

/// Whether an entry can carry all of these tags (1024, of 1024 bytes each). A response that names
/// more must not be stored (Detail::limit), since a purge of what was left out would not meet it.
bool are_within_tag_bounds(const std::vector<std::string>& tags);

/// The groups that a write's response invalidates (RFC 9875, Cache-Group-Invalidation), prefixed
/// "group:". All of them: only the size of a head bounds them.
void collect_invalidated_groups(const http::ResponseHead& response, std::vector<std::string>& tags);

}  // namespace larder::cache
