#include "cache/reuse.hpp"

#include <algorithm>

#include "cache/freshness.hpp"
#include "cache/personal.hpp"

// RFC 9111, 4: when a stored response answers a request.
namespace larder::cache {
namespace {

// What is left of the lifetime; nothing after a soft purge.
Milliseconds remaining(const Freshness& freshness, bool soft_purged, WallTime now) {
    const Milliseconds left = time_left(freshness, now);
    return soft_purged ? std::min(left, Milliseconds(0)) : left;
}

// The same in the whole seconds that clients count in.
Seconds whole_seconds(Milliseconds left) { return std::chrono::ceil<Seconds>(left); }

// Whether the client takes a response of this age and freshness at all (5.2.1). max-stale is not
// checked here. (Inline, so that a hit's freshness stays in registers.)
[[gnu::always_inline]] inline bool suits_client(const Freshness& freshness,
                                                const RequestDirectives& directives,
                                                Milliseconds left, WallTime now) {
    if (directives.no_cache) return false;
    if (directives.max_age && current_age(freshness, now) > *directives.max_age) return false;
    return !directives.min_fresh || whole_seconds(left) >= *directives.min_fresh;
}

// Whether the origin allows the response to be served stale (4.2.4), and it is known how stale the
// response is.
bool allows_stale(const Freshness& freshness, WallTime now) {
    return !freshness.must_revalidate && !freshness.no_cache && !is_from_the_future(freshness, now);
}

bool within(Milliseconds allowance, Milliseconds left) {
    return allowance > Seconds(0) && -left < allowance;
}

Verdict answer_or_ask(const StoredResponse& stored, const RequestDirectives& directives,
                      bool soft_purged, WallTime now) {
    const Freshness freshness = stored.freshness();
    const Milliseconds left = remaining(freshness, soft_purged, now);
    if (freshness.no_cache) return Verdict::revalidate;
    if (!suits_client(freshness, directives, left, now)) return Verdict::revalidate;
    if (left > Seconds(0)) return Verdict::serve;
    if (!allows_stale(freshness, now)) return Verdict::revalidate;
    if (within(freshness.stale_while_revalidate, left)) return Verdict::serve_and_refresh;
    // max-stale is about age alone: a soft purge says that the origin changed.
    if (directives.max_stale && !soft_purged && -whole_seconds(left) <= *directives.max_stale)
        return Verdict::serve;
    return Verdict::revalidate;
}

}  // namespace

Verdict decide_reuse(const StoredResponse& stored, const RequestDirectives& directives,
                     Detail personal_reason, bool soft_purged, WallTime now) {
    const bool usable =
        answers_credentials(personal_reason, stored.shared(), stored.shared_if_authorized());
    const Verdict verdict =
        usable ? answer_or_ask(stored, directives, soft_purged, now) : Verdict::fetch;
    const bool asks_origin = verdict == Verdict::revalidate || verdict == Verdict::fetch;
    return asks_origin && directives.only_if_cached ? Verdict::refuse : verdict;
}

bool is_refresh_due(const Freshness& freshness, double share, WallTime now) {
    const Milliseconds left = time_left(freshness, now);
    if (share <= 0 || left <= Milliseconds(0)) return false;
    const Milliseconds granted = freshness.lifetime - freshness.initial_age;
    return static_cast<double>(left.count()) <= share * static_cast<double>(granted.count());
}

bool may_serve_on_error(const StoredResponse& stored, const RequestDirectives& directives,
                        bool soft_purged, WallTime now) {
    const Freshness freshness = stored.freshness();
    const Milliseconds left = remaining(freshness, soft_purged, now);
    if (stored.status() >= 500) return false;  // one failure is no better than another
    if (!allows_stale(freshness, now) || !suits_client(freshness, directives, left, now))
        return false;
    if (left > Seconds(0) || within(freshness.stale_if_error, left)) return true;
    return directives.max_stale && !soft_purged && -whole_seconds(left) <= *directives.max_stale;
}

}  // namespace larder::cache
