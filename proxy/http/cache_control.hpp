#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/fields.hpp"

namespace larder::http {

/// Larger values of delta-seconds count as this one (RFC 9111, 1.2.2).
inline constexpr Seconds delta_seconds_max{2147483648};

/// The value of Age and similar fields, at most delta_seconds_max. std::nullopt if the text is
/// empty or has a byte other than a digit.
std::optional<Seconds> parse_delta_seconds(std::string_view text);

/// The directives of all Cache-Control lines of a request or a response (RFC 9111, 5.2).
///
/// The case of names does not matter. Unknown directives are skipped. Arguments may be tokens or
/// quoted strings. If a directive is repeated with different values, the smallest counts (4.2.1
/// allows the first, or to treat the response as stale). An argument that is not a number of
/// seconds (negative, fractional, in single quotes, white space beside the `=`) counts as zero, so
/// that the response is stale (4.2.1).
///
/// Some origins separate directives by `;` or blanks instead of commas, or quote a directive. From
/// such a list larder takes only restrictions: no-store, private, no-cache and the revalidation
/// directives count, and a lifetime counts as an upper bound. Permissions (public, s-maxage for
/// credentials, serving stale) do not count.
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
    std::optional<Seconds> max_stale;          ///< Seconds::max() if it has no argument
    std::vector<std::string> no_cache_fields;  ///< lower-case names of no-cache="..."
    std::vector<std::string> private_fields;   ///< lower-case names of private="..."
};

CacheControl parse_cache_control(const Fields& fields);

/// CDN-Cache-Control. std::nullopt if the field is absent or empty, is not a valid dictionary, or
/// has a directive of the wrong type: RFC 9213, 2.1, ignores such a field.
std::optional<CacheControl> parse_cdn_cache_control(const Fields& fields);

}  // namespace larder::http
