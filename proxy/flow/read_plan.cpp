#include "flow/read_plan.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cache/personal.hpp"
#include "cache/request_directives.hpp"
#include "cache/vary.hpp"
#include "flow/exchange.hpp"

namespace larder::flow {

cache::Detail personal_reason(const http::RequestHead& request, const route::CompiledRoute& route) {
    cache::KeyCoverage coverage;
    coverage.has_authorization = route.key_has_authorization;
    coverage.cookies = route.key_cookies.empty() ? nullptr : &route.key_cookies;
    coverage.has_cookie_header = std::find(route.key_headers.begin(), route.key_headers.end(),
                                           "cookie") != route.key_headers.end();
    coverage.credentials = &route.credentials;
    return cache::personal(request, route.rule, coverage);
}

std::string credentials_text(const http::RequestHead& request, const route::CompiledRoute& route) {
    const cache::Detail personal = personal_reason(request, route);
    if (personal != cache::Detail::none)
        return "not from the cache, and not stored for others: the request carries credentials "
               "that neither the key nor `ignore` covers (" +
               std::string(cache::to_token(personal)) +
               "); only a response that the origin marks as shared (public, s-maxage or "
               "must-revalidate in Cache-Control) is an exception";
    for (const http::Field& field : request.fields)
        if (field.id == http::FieldId::authorization || field.id == http::FieldId::cookie ||
            route.credential_fields.has(field.name))
            return "from the cache, with its credentials: the key holds them, or `ignore` says "
                   "that they make no difference";
    return {};
}

// A route with a host fixes the Host of its requests. But a trusted proxy may name another host,
// and the origin may answer for that host.
bool needs_host(const http::RequestHead& request, const route::CompiledRoute& route) {
    if (!route.key_has_host) return true;
    return !route.rule.host.empty() && !iequals(request.authority, request.host);
}

ReadPlan make_read_plan(const http::RequestHead& request, const route::CompiledRoute& route) {
    return {&route, needs_host(request, route), personal_reason(request, route),
            cache::request_directives(request, route.rule)};
}

redis::EntryName entry_name(Exchange& exchange) {
    const ReadPlan& plan = exchange.plan;
    if (exchange.tags.empty()) {
        route::collect_tags(*plan.route, exchange.key, exchange.key_info, exchange.tags);
        exchange.tags.insert(exchange.tags.end(), exchange.key_info.more_tags.begin(),
                             exchange.key_info.more_tags.end());
    }
    return {exchange.key,   exchange.key_info.bare_size, exchange.tags, &exchange.request,
            plan.with_host, plan.route->sharing};
}

std::string fetch_name(const Exchange& exchange, std::string_view variant) {
    const ReadPlan& plan = exchange.plan;
    constexpr std::size_t around = 24;
    const std::string& target = cache::target_variant(exchange.request, plan.with_host);
    std::string name;
    name.reserve(exchange.key.size() + target.size() + variant.size() + around);
    name += exchange.key;
    name += '\n';
    append_decimal(name, plan.route->rules);
    name += '\n';
    name += target;
    if (!variant.empty()) {
        name += '\n';
        name += variant;
    }
    return name;
}

std::uint64_t uncacheable_hash(std::string_view key, const ReadPlan& plan,
                               const http::RequestHead& request) {
    constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;
    const std::uint64_t target = hash_of(cache::target_variant(request, plan.with_host));
    return hash_of(key) ^ (target * spread) ^ (plan.route->rules * (spread << 1 | 1));
}

}  // namespace larder::flow
