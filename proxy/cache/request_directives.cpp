#include "cache/request_directives.hpp"

#include "http/cache_control.hpp"
#include "http/lists.hpp"

namespace larder::cache {

using http::Field;
using http::FieldId;

RequestDirectives request_directives(const http::RequestHead& request,
                                     const settings::Route& rule) {
    RequestDirectives out;
    if (!request.fields.has(FieldId::cache_control)) {
        if (!rule.honour_client_no_cache || !request.fields.has(FieldId::pragma)) return out;
        for (const Field& line : request.fields)
            out.no_cache = out.no_cache ||
                           (line.id == FieldId::pragma && http::has_member(line.value, "no-cache"));
        return out;
    }
    const http::CacheControl control = http::parse_cache_control(request.fields);
    out.only_if_cached = control.only_if_cached;
    if (!rule.honour_client_no_cache) return out;
    out.no_cache = control.no_cache;
    out.no_store = control.no_store;
    out.max_age = control.max_age;
    out.min_fresh = control.min_fresh;
    out.max_stale = control.max_stale;
    return out;
}

}  // namespace larder::cache
