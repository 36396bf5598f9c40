#pragma once
#include <cstdint>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "cache/request_directives.hpp"
#include "cache/stored_response.hpp"

namespace larder::cache {

/// Whether a stored response answers a request (RFC 9111, 4).
enum class Verdict : std::uint8_t {
    serve,              ///< fresh: HIT
    serve_and_refresh,  ///< stale within stale-while-revalidate: UPDATING, one request refreshes it
                        ///< in the background
    revalidate,  ///< stale, or no-cache: ask the origin, conditionally where there is a validator
    fetch,       ///< unusable for this request: as if it were not there
    refuse,      ///< only-if-cached and not servable: 504
};

/// A response from the future (is_from_the_future) is revalidated: it is served neither as fresh
/// nor as stale. `soft_purged`: a soft purge makes the entry count as expired from `now` on.
/// `personal_reason` is what `personal` said of the request: where it is not `none`, only an entry
/// marked as shared may be used, else `fetch`.
Verdict decide_reuse(const StoredResponse& stored, const RequestDirectives& directives,
                     Detail personal_reason, bool soft_purged, WallTime now);

/// Whether the stale entry may answer because the origin failed: could not be reached, timed out,
/// or answered 500, 502, 503 or 504. Only where the response or the rule has stale-if-error (RFC
/// 9111, 4.2.4).
bool may_serve_on_error(const StoredResponse& stored, const RequestDirectives& directives,
                        bool soft_purged, WallTime now);

/// Whether a fresh response is in the last part of its lifetime (`refresh_ahead`), in which a hit
/// starts a refresh. `share`: of the lifetime that was left when the response came.
bool is_refresh_due(const Freshness& freshness, double share, WallTime now);

}  // namespace larder::cache
