#include "cache/storable.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "cache/freshness.hpp"
#include "cache/origin_directives.hpp"
#include "cache/personal.hpp"
#include "cache/request_directives.hpp"
#include "cache/vary.hpp"
#include "http/lists.hpp"

// RFC 9111, 3: when a response may be stored.
namespace larder::cache {
namespace {

using http::FieldId;

// Statuses whose caching requirements larder knows and meets (must-understand, 5.2.2.3): RFC 9110,
// 15, but for 206 and 304, which are never stored.
bool is_understood(int status) {
    const bool defined = (status >= 200 && status <= 205) || (status >= 300 && status <= 303) ||
                         status == 305 || status == 307 || status == 308 ||
                         (status >= 400 && status <= 417) || status == 421 || status == 422 ||
                         status == 426 || (status >= 500 && status <= 505);
    return defined;
}

Detail status_reason(const http::ResponseHead& response) {
    switch (response.status) {
        case 206:
        case 304:
        case 416:
            return Detail::partial;  // all three speak of the request's own conditions
        case 407:
        case 408:
        case 412:
        case 417:
        case 425:  // RFC 8470, 5.2
        case 428:  // RFC 6585, 3 to 6: never stored
        case 429:
        case 431:
        case 511:
            return Detail::status;
        default:
            break;
    }
    if (response.status < 200 || response.status > 599) return Detail::status;
    // Content-Range means nothing in other statuses (RFC 9110, 14.4).
    return Detail::none;
}

Detail origin_reason(const http::ResponseHead& response, const http::CacheControl& control) {
    // With must-understand, no-store is for those that do not know the status (5.2.2.3).
    if (control.must_understand && !is_understood(response.status)) return Detail::status;
    if (control.no_store && !control.must_understand) return Detail::no_store;
    if (control.private_) return Detail::private_;
    return Detail::none;
}

bool sets_cookie(const http::ResponseHead& response, const settings::Route& rule) {
    if (rule.ignore.set_cookie || !response.fields.has(FieldId::set_cookie)) return false;
    return std::find(rule.strip.begin(), rule.strip.end(), "set-cookie") == rule.strip.end();
}

// Only a stored 200 or 203 can be validated. A conditional request cannot ask about the validators
// of other statuses.
bool can_be_validated(const http::ResponseHead& response) {
    if (response.status != 200 && response.status != 203) return false;
    return response.fields.has(FieldId::etag) || response.fields.has(FieldId::last_modified);
}

// A response that is stale at once is only worth keeping where it can be validated or served
// stale.
Detail lifetime_reason(const http::ResponseHead& response, const Lifetime& lifetime,
                       const Freshness& freshness) {
    const bool covered = response.status == 200 || response.status == 203;
    if (lifetime.grant == Grant::none && !freshness.no_cache)
        return covered || response.status == 301 || response.status == 308 ? Detail::no_lifetime
                                                                           : Detail::status;
    if (freshness.no_cache) return can_be_validated(response) ? Detail::none : Detail::no_lifetime;
    if (freshness.lifetime > freshness.initial_age) return Detail::none;
    if (can_be_validated(response)) return Detail::none;
    const Milliseconds staleness = freshness.initial_age - freshness.lifetime;
    const Milliseconds allowance =
        std::max(freshness.stale_while_revalidate, freshness.stale_if_error);
    return allowance > staleness ? Detail::none : Detail::no_lifetime;
}

// Whether the server sends the response piece by piece as long as the client listens: server-sent
// events (HTML standard, 9.2) and images that replace each other. A rule's lifetime is not meant
// for such a stream; a stored one would replay old events.
bool is_stream(const http::ResponseHead& response) {
    const std::string_view value = response.fields.value(FieldId::content_type);
    const std::string_view type = trim_ows(value.substr(0, value.find(';')));
    return iequals(type, "text/event-stream") || iequals(type, "multipart/x-mixed-replace");
}

void add_name(std::vector<std::string>& names, std::string_view name) {
    const auto at = std::lower_bound(names.begin(), names.end(), name);
    if (at == names.end() || *at != name) names.emplace(at, name);
}

// An origin that answers with a coding has chosen it for this client, whether or not Vary says so.
// A coding that needs a dictionary was chosen for this dictionary (RFC 9842, 6.2).
void add_content_coding(const http::ResponseHead& response, std::vector<std::string>& names) {
    const std::string_view coding = response.fields.value(FieldId::content_encoding);
    if (coding.empty() && !response.fields.has(FieldId::content_encoding)) return;
    add_name(names, "accept-encoding");
    if (http::has_member(coding, "dcb") || http::has_member(coding, "dcz"))
        add_name(names, "available-dictionary");
}

}  // namespace

StoreDecision decide_storable(const http::RequestHead& request, const http::ResponseHead& response,
                              const settings::Route& rule, Detail personal_reason,
                              WallTime requested_at, WallTime received_at) {
    StoreDecision out;
    const auto refuse = [&](Detail reason) {
        out.reason = reason;
        return out;
    };
    const OriginDirectives origin = read_origin_directives(response.fields, rule);

    // A QUERY or POST comes here only under a read route that takes it.
    if (request.method != http::Method::get && request.method != http::Method::head &&
        !http::may_ask_by_body(request.method))
        return refuse(Detail::uncacheable);
    if (request_directives(request, rule).no_store) return refuse(Detail::no_store);
    if (const Detail reason = status_reason(response); reason != Detail::none)
        return refuse(reason);
    if (const Detail reason = origin_reason(response, origin.control); reason != Detail::none)
        return refuse(reason);
    if (sets_cookie(response, rule)) return refuse(Detail::set_cookie);
    if (!answers_credentials(personal_reason, origin.shared(), origin.shared_if_authorized()))
        return refuse(personal_reason);

    if (!rule.ignore.vary) {
        Detail reason = Detail::none;
        auto names = vary_names(response.fields, reason);
        if (!names) return refuse(reason);
        out.vary = std::move(*names);
        add_content_coding(response, out.vary);
    }
    const std::uint64_t chance = hash_of(request.target) ^ hash_of(request.body) ^
                                 static_cast<std::uint64_t>(received_at.time_since_epoch().count());
    const Lifetime lifetime =
        with_jitter(freshness_lifetime(response, origin, rule, received_at), rule.jitter, chance);
    if (lifetime.grant == Grant::rule && is_stream(response)) return refuse(Detail::stream);
    out.freshness = work_out_freshness(response, origin, rule, lifetime, requested_at, received_at);
    out.omit = origin.control.no_cache_fields;
    out.omit.insert(out.omit.end(), origin.control.private_fields.begin(),
                    origin.control.private_fields.end());
    // An X-Request-Id that the origin repeats names the request that fetched the response, not the
    // requests that the entry answers later.
    if (response.fields.first_named("x-request-id")) out.omit.emplace_back("x-request-id");
    return refuse(lifetime_reason(response, lifetime, out.freshness));
}

}  // namespace larder::cache
