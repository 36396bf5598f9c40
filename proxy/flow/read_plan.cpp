#include "flow/read_plan.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace larder::flow {

cache::Detail personal_reason(const http::RequestHead& request, const route::CompiledRoute& route) {
    cache::KeyCoverage coverage;
    coverage.has_authorization = route.key_has_authorization;
    coverage.cookies = route.key_cookies.empty() ? nullptr : &route.key_cookies;
    coverage.has_cookie_header = std::find(route.key_headers.begin(), route.key_headers.end(), "cookie") != route.key_headers.end();
    return cache::personal(request, route.rule, coverage);
}

ReadPlan make_read_plan(const http::RequestHead& request, const route::CompiledRoute& route) {
    return {&route, !route.key_has_host, personal_reason(request, route), cache::request_directives(request, route.rule)};
}

store::EntryName entry_name(Exchange& x, const ReadPlan& plan) {
    if (x.tags.empty()) route::collect_tags(*plan.route, x.key, x.facts, x.tags);
    return {x.key, x.facts.bare_size, x.tags, &x.request, plan.with_host, plan.route->sharing};
}

std::string fetch_name(const Exchange& x, const ReadPlan& plan, std::string_view variant) {
    std::string name = x.key;
    name += '\n';
    append_decimal(name, plan.route->rules);
    name += '\n';
    if (plan.with_host) name += to_lower_copy(x.request.host);
    if (!variant.empty()) {
        name += '\n';
        name += variant;
    }
    return name;
}

std::uint64_t uncacheable_hash(std::string_view key, const route::CompiledRoute& route) {
    constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;
    return hash_of(key) ^ (route.rules * spread);
}

}  // namespace larder::flow
