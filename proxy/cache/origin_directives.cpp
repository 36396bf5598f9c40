#include "cache/origin_directives.hpp"

#include "http/lists.hpp"

namespace larder::cache {

using http::FieldId;

OriginDirectives read_origin_directives(const http::Fields& fields, const settings::Route& rule) {
    OriginDirectives out;
    if (rule.ignore.cache_control) {
        out.expires_counts = false;
        return out;
    }
    if (auto targeted = http::parse_cdn_cache_control(fields)) {
        out.control = std::move(*targeted);
        out.expires_counts = false;
        return out;
    }
    out.control = http::parse_cache_control(fields);
    // Pragma has no meaning in responses (RFC 9111, 5.4), but origins that send it alone mean it,
    // and a route's ttl must not overrule them unasked.
    if (!fields.has(FieldId::cache_control) &&
        http::has_member(fields.value(FieldId::pragma), "no-cache"))
        out.control.no_cache = true;
    return out;
}

}  // namespace larder::cache
