#pragma once
#include <optional>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// The directives of the request that the cache obeys (RFC 9111, 5.2.1). `only_if_cached` is always
/// obeyed; the others are only set where the route says `client_no_cache: honour`. Pragma: no-cache
/// counts as no-cache where there is no Cache-Control (5.4).
struct RequestDirectives {
    bool no_cache = false;
    bool no_store = false;
    bool only_if_cached = false;
    std::optional<Seconds> max_age;
    std::optional<Seconds> min_fresh;
    std::optional<Seconds> max_stale;  ///< Seconds::max(): any
};

RequestDirectives request_directives(const http::RequestHead& request, const settings::Route& rule);

}  // namespace larder::cache
