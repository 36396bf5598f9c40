#include "cache/freshness.hpp"

#include <algorithm>

namespace larder::cache {
namespace {

using http::FieldId;

// Between two moments; saturates instead of overflowing, so that garbled dates do no harm.
Seconds elapsed(http::HttpTime from, http::HttpTime to) {
    return std::clamp(to - from, -http::delta_seconds_max, http::delta_seconds_max);
}

// RFC 9111, 5.1: the first member counts; an invalid value is ignored.
Seconds age_value(const http::Fields& fields) {
    const std::string_view value = fields.value(FieldId::age);
    return http::parse_delta_seconds(trim_ows(value.substr(0, value.find(','))))
        .value_or(Seconds(0));
}

// RFC 9111, 5.3: an invalid date, "0" above all, has already passed. Of several lines the earliest
// counts.
std::optional<Seconds> lifetime_from_expires(const http::Fields& fields, http::HttpTime date,
                                             WallTime received_at) {
    std::optional<Seconds> lifetime;
    for (const http::Field& line : fields) {
        if (line.id != FieldId::expires) continue;
        const auto expires = http::parse_http_date(line.value, received_at);
        const Seconds granted =
            expires ? std::max(elapsed(date, *expires), Seconds(0)) : Seconds(0);
        lifetime = lifetime ? std::min(*lifetime, granted) : granted;
    }
    return lifetime;
}

// What the route grants a status: `status_ttl`, else `ttl` for 200, 203 and permanent redirects.
Milliseconds lifetime_from_rule(int status, const settings::Route& rule) {
    for (const settings::StatusTtl& entry : rule.status_ttl)
        if (entry.status == status) return entry.ttl;
    const bool covered = status == 200 || status == 203 || status == 301 || status == 308;
    return covered ? rule.ttl.value_or(Milliseconds(0)) : Milliseconds(0);
}

// RFC 9110, 15.1, without 206, which is not stored.
bool is_heuristically_cacheable(int status) {
    switch (status) {
        case 200:
        case 203:
        case 204:
        case 300:
        case 301:
        case 308:
        case 404:
        case 405:
        case 410:
        case 414:
        case 501:
            return true;
        default:
            return false;
    }
}

// RFC 9111, 4.2.2. `public` makes any status eligible (5.2.2.9).
Seconds heuristic_lifetime(const http::ResponseHead& response, const OriginDirectives& origin,
                           const settings::Route& rule, http::HttpTime date, WallTime received_at) {
    if (rule.heuristic <= 0) return Seconds(0);
    if (!is_heuristically_cacheable(response.status) && !origin.control.public_) return Seconds(0);
    const auto modified =
        http::parse_http_date(response.fields.value(FieldId::last_modified), received_at);
    if (!modified || *modified >= date) return Seconds(0);
    const double share = rule.heuristic * static_cast<double>(elapsed(*modified, date).count());
    return std::min(Seconds(static_cast<std::int64_t>(share)), heuristic_max);
}

}  // namespace

http::HttpTime date_of(const http::Fields& fields, WallTime received_at) {
    return http::parse_http_date(fields.value(FieldId::date), received_at)
        .value_or(http::whole_second(received_at));
}

Lifetime freshness_lifetime(const http::ResponseHead& response, const OriginDirectives& origin,
                            const settings::Route& rule, WallTime received_at) {
    const http::HttpTime date = date_of(response.fields, received_at);
    if (origin.control.s_maxage) return {Grant::origin, *origin.control.s_maxage};
    if (origin.control.max_age) return {Grant::origin, *origin.control.max_age};
    if (origin.expires_counts)
        if (const auto expires = lifetime_from_expires(response.fields, date, received_at))
            return {Grant::origin, *expires};
    if (const Milliseconds ttl = lifetime_from_rule(response.status, rule); ttl > Seconds(0))
        return {Grant::rule, ttl};
    const Seconds heuristic = heuristic_lifetime(response, origin, rule, date, received_at);
    if (heuristic > Seconds(0)) return {Grant::heuristic, heuristic};
    return {};
}

Lifetime with_jitter(Lifetime lifetime, double share, std::uint64_t chance) {
    if (lifetime.grant != Grant::rule || share <= 0) return lifetime;
    // Mixed, so that neighbouring numbers come out far apart (splitmix64).
    chance = (chance ^ chance >> 30) * 0xbf58476d1ce4e5b9;
    chance = (chance ^ chance >> 27) * 0x94d049bb133111eb;
    chance ^= chance >> 31;
    const double part = static_cast<double>(chance >> 11) * 0x1.0p-53;
    const double shorter = static_cast<double>(lifetime.duration.count()) * (1 - share * part);
    lifetime.duration = std::max(Milliseconds(static_cast<std::int64_t>(shorter)), Milliseconds(1));
    return lifetime;
}

Seconds initial_age(const http::Fields& fields, WallTime requested_at, WallTime received_at) {
    using std::chrono::floor;
    const http::HttpTime date = date_of(fields, received_at);
    const Seconds response_delay = std::max(floor<Seconds>(received_at - requested_at), Seconds(0));
    Seconds apparent_age = std::max(elapsed(date, http::whole_second(received_at)), Seconds(0));
    // A response with a Date within our own exchange cannot be older than the exchange, so a second
    // that turned meanwhile must not add to its age.
    if (date >= http::whole_second(requested_at))
        apparent_age = std::min(apparent_age, response_delay);
    const Seconds corrected_age_value = age_value(fields) + response_delay;
    return std::min(std::max(apparent_age, corrected_age_value), http::delta_seconds_max);
}

Freshness work_out_freshness(const http::ResponseHead& response, const OriginDirectives& origin,
                             const settings::Route& rule, const Lifetime& lifetime,
                             WallTime requested_at, WallTime received_at) {
    Freshness out;
    out.requested_at = requested_at;
    out.received_at = received_at;
    out.initial_age = initial_age(response.fields, requested_at, received_at);
    out.lifetime = lifetime.duration;
    if (lifetime.grant == Grant::rule) out.lifetime += out.initial_age;
    out.no_cache = origin.control.no_cache;
    out.must_revalidate = origin.forbids_stale();
    out.shared = origin.shared();
    out.shared_if_authorized = origin.shared_if_authorized();
    if (out.must_revalidate || out.no_cache) return out;
    // The origin wants a response with max-age=0 checked each time. So the rule lets it be served
    // stale only when the origin fails.
    out.stale_while_revalidate = lifetime.duration > Seconds(0)
                                     ? rule.stale_while_revalidate.value_or(Milliseconds(0))
                                     : Milliseconds(0);
    out.stale_if_error = rule.stale_if_error.value_or(Milliseconds(0));
    if (origin.control.stale_while_revalidate)
        out.stale_while_revalidate = *origin.control.stale_while_revalidate;
    if (origin.control.stale_if_error) out.stale_if_error = *origin.control.stale_if_error;
    return out;
}

void end_at(Freshness& freshness, WallTime end) {
    const Milliseconds until = std::max(end - freshness.received_at, Milliseconds(0));
    freshness.lifetime = std::min(freshness.lifetime, freshness.initial_age + until);
    freshness.stale_while_revalidate = Milliseconds(0);
    freshness.stale_if_error = Milliseconds(0);
}

}  // namespace larder::cache
