#pragma once
#include <algorithm>

#include "base/clock.hpp"
#include "cache/origin_directives.hpp"
#include "cache/stored_response.hpp"
#include "http/cache_control.hpp"
#include "http/http_date.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// The heuristic lifetime never exceeds this.
inline constexpr Seconds heuristic_max{24 * 3600};

/// Who granted a lifetime; the first that applies, in this order (freshness_lifetime).
enum class Grant : std::uint8_t { none, origin, rule, heuristic };

struct Lifetime {
    Grant grant = Grant::none;
    Milliseconds duration{0};
};

/// RFC 9111, 4.2.1 and 4.2.2, with the route's ttl between them.
Lifetime freshness_lifetime(const http::ResponseHead& response, const OriginDirectives& origin,
                            const settings::Route& rule, WallTime received_at);

/// The lifetime shortened by a random part of it, of at most `share` (`jitter`), where the route
/// granted it. `chance`: any number; equal ones shorten alike.
Lifetime with_jitter(Lifetime lifetime, double share, std::uint64_t chance);

/// RFC 9111, 4.2.3: corrected_initial_age. Without a valid Date, the time of receipt stands in.
Seconds initial_age(const http::Fields& fields, WallTime requested_at, WallTime received_at);

/// The Date field; the second of receipt where it is missing or invalid (RFC 9110, 6.6.1).
http::HttpTime date_of(const http::Fields& fields, WallTime received_at);

/// Works out all members of Freshness. A lifetime that the rule grants begins with the receipt,
/// whatever the origin's clock says and however long the origin took. So the age that the response
/// came with is added to that lifetime.
Freshness work_out_freshness(const http::ResponseHead& response, const OriginDirectives& origin,
                             const settings::Route& rule, const Lifetime& lifetime,
                             WallTime requested_at, WallTime received_at);

/// Ends the lifetime at `end` where it would end later, and lets nothing be served stale.
void end_at(Freshness& freshness, WallTime end);

/// How much the clocks of two instances may differ that are kept in step.
inline constexpr Milliseconds clocks_differ_by{1000};

/// Whether the response was received more than a second after `now`. Then a clock was set back: the
/// age is unknown, so the response is stale whatever its lifetime. The clocks of instances differ
/// by less than a second.
inline bool is_from_the_future(const Freshness& freshness, WallTime now) {
    return freshness.received_at > now + clocks_differ_by;
}

/// RFC 9111, 4.2.3: current_age at `now`; never negative, saturating.
inline Seconds current_age(const Freshness& freshness, WallTime now) {
    const auto resident =
        std::max(std::chrono::floor<Seconds>(now - freshness.received_at), Seconds(0));
    return std::min(freshness.initial_age + resident, http::delta_seconds_max);
}

/// What is left of the lifetime at `now`, to the millisecond; zero or negative once stale. This
/// decides whether the response is fresh. Nothing is left of a response from the future.
inline Milliseconds time_left(const Freshness& freshness, WallTime now) {
    if (is_from_the_future(freshness, now)) return Milliseconds(0);
    const Milliseconds resident = std::max(now - freshness.received_at, Milliseconds(0));
    return freshness.lifetime - freshness.initial_age - resident;
}

/// The same in whole seconds, with the lifetime rounded down: the number that is shown.
inline Seconds remaining_lifetime(const Freshness& freshness, WallTime now) {
    if (is_from_the_future(freshness, now)) return Seconds(0);
    const auto resident =
        std::max(std::chrono::floor<Seconds>(now - freshness.received_at), Seconds(0));
    return std::chrono::floor<Seconds>(freshness.lifetime) - freshness.initial_age - resident;
}

}  // namespace larder::cache
