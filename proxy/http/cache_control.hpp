#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/fields.hpp"

namespace larder::http {

/// Deltas saturate here (RFC 9111, 1.2.2).
inline constexpr Seconds delta_seconds_max{2147483648};

/// Age and the like: digits only, saturating at delta_seconds_max; nothing where there is any other
/// byte.
std::optional<Seconds> parse_delta_seconds(std::string_view text);

/// The directives of Cache-Control in a request or a response (RFC 9111, 5.2), all field lines
/// together.
///
/// Names match whatever their case; unknown directives are skipped; arguments may be tokens or
/// quoted strings. Where a directive stands several times with different values the smallest counts
/// (4.2.1 allows the first, or stale). An argument that is not a number of seconds (negative,
/// fractional, in single quotes, white space beside the `=`) counts as zero: such a response is
/// stale (4.2.1).
///
/// Some origins write `;` or blanks in place of commas, or quote a directive. Such a member is read
/// for what it forbids: no-store, private, no-cache and the revalidation directives count, and a
/// lifetime counts as a bound. What it would permit beyond the rules for a plain response (public,
/// s-maxage for credentials, stale service) does not count.
struct CacheControl {
    bool no_store = false;
    bool no_cache = false;  ///< without field names
    bool private_ = false;  ///< without field names
    bool public_ = false;
    bool must_revalidate = false;
    bool proxy_revalidate = false;
    bool must_understand = false;
    bool only_if_cached = false;
    std::optional<Seconds> max_age;
    std::optional<Seconds> s_maxage;
    std::optional<Seconds> stale_while_revalidate;  ///< RFC 5861
    std::optional<Seconds> stale_if_error;          ///< RFC 5861
    std::optional<Seconds> min_fresh;
    std::optional<Seconds> max_stale;          ///< Seconds::max() where it has no argument
    std::vector<std::string> no_cache_fields;  ///< lower-case names of no-cache="..."
    std::vector<std::string> private_fields;   ///< lower-case names of private="..."
};

CacheControl parse_cache_control(const Fields& fields);

/// CDN-Cache-Control (RFC 9213): nothing where the field is absent, empty, not a valid dictionary,
/// or holds a directive of the wrong type, for it then counts as absent.
std::optional<CacheControl> parse_cdn_cache_control(const Fields& fields);

}  // namespace larder::http
