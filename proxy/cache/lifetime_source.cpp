#include "cache/lifetime_source.hpp"

#include <algorithm>

#include "cache/freshness.hpp"
#include "cache/origin_directives.hpp"

namespace larder::cache {
namespace {

std::string_view field_that_grants(const http::ResponseHead& response,
                                   const OriginDirectives& origin) {
    const bool by_cdn =
        response.fields.has(http::FieldId::cdn_cache_control) && !origin.expires_counts;
    if (origin.control.s_maxage)
        return by_cdn ? "CDN-Cache-Control: s-maxage" : "Cache-Control: s-maxage";
    if (origin.control.max_age)
        return by_cdn ? "CDN-Cache-Control: max-age" : "Cache-Control: max-age";
    return "Expires";
}

}  // namespace

std::string_view lifetime_source(const http::ResponseHead& response, const settings::Route& rule,
                                 WallTime received_at) {
    const OriginDirectives origin = read_origin_directives(response.fields, rule);
    switch (freshness_lifetime(response, origin, rule, received_at).grant) {
        case Grant::origin:
            return field_that_grants(response, origin);
        case Grant::rule:
            return std::any_of(rule.status_ttl.begin(), rule.status_ttl.end(),
                               [&](const settings::StatusTtl& item) {
                                   return item.status == response.status;
                               })
                       ? "status_ttl of the route"
                       : "ttl of the route";
        case Grant::heuristic:
            return "heuristic of the route";
        case Grant::none:
            break;
    }
    return "nothing grants one";
}

}  // namespace larder::cache
