#include "admin/purge_order.hpp"

#include <algorithm>
#include <set>

#include "route/compiled_route.hpp"
#include "route/offline_request.hpp"
#include "route/prefix_purges.hpp"

namespace larder::admin {
namespace {

// The hosts that a URL without one may be meant for; empty: any other. One stands for all that a
// wildcard takes.
std::set<std::string> hosts_of(const std::string& url, const route::RouteTable& routes) {
    std::set<std::string> hosts{""};
    if (!url.starts_with('/')) return hosts;
    for (const auto& route : routes.routes()) {
        const std::string& host = route->rule.host;
        hosts.insert(host.starts_with('*') ? "any" + host.substr(1) : host);
    }
    return hosts;
}

// Adds the entries of a URL. False: it is not a URL.
bool add_url(const std::string& url, const route::RouteTable& routes, ResolvedPurge& resolved) {
    route::PurgeSet met;
    for (const std::string& host : hosts_of(url, routes)) {
        const std::optional<route::OfflineRequest> request =
            route::OfflineRequest::make("GET", url, host, {});
        if (!request) return false;
        routes.collect_url_purges(request->head(), request->head().target, met);
    }
    for (std::string& key : met.keys) {
        resolved.asked.keys.push_back(key);
        resolved.order.set.keys.push_back(std::move(key));
    }
    for (std::string& pattern : met.patterns) resolved.asked.patterns.push_back(std::move(pattern));
    return true;
}

void add_pattern(const std::string& pattern, const route::RouteTable& routes,
                 store::PurgeOrder& order) {
    if (pattern.find('*') == std::string::npos) {
        order.set.keys.push_back(pattern);
    } else if (routes.is_tag_pattern(pattern)) {
        order.set.patterns.push_back(pattern);
    } else {
        order.scan_patterns.push_back(pattern);
        // A key that ends as the pattern does may have a query, or the kind of a body, appended.
        if (!pattern.ends_with('*')) order.scan_patterns.push_back(pattern + "?*");
    }
}

/// A host, and the beginning of a path: of "https://example.com/a" too, and of "/a" at every host.
void add_prefix(std::string_view prefix, const route::RouteTable& routes, ResolvedPurge& resolved) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (prefix.starts_with(scheme)) prefix.remove_prefix(scheme.size());
    prefix = prefix.substr(0, prefix.find_first_of("?#"));
    const std::size_t slash = std::min(prefix.find('/'), prefix.size());
    const std::string_view path = slash < prefix.size() ? prefix.substr(slash) : "/";
    route::collect_prefix_patterns(routes, prefix.substr(0, slash), path, resolved.asked.patterns);
}

}  // namespace

std::variant<ResolvedPurge, std::string> resolve_purge(PurgeOrder asked,
                                                       const route::RouteTable& routes) {
    ResolvedPurge resolved;
    resolved.asked = std::move(asked);
    resolved.order.soft = resolved.asked.soft;
    resolved.order.set.keys = resolved.asked.keys;
    resolved.order.tags = resolved.asked.tags;
    for (const std::string& url : resolved.asked.urls)
        if (!add_url(url, routes, resolved)) return "not a URL: " + url;
    for (const std::string& host : resolved.asked.hosts) add_prefix(host, routes, resolved);
    for (const std::string& prefix : resolved.asked.prefixes) add_prefix(prefix, routes, resolved);
    resolved.order.everything = resolved.asked.everything && !resolved.asked.soft;
    if (resolved.asked.everything && resolved.asked.soft)
        resolved.order.scan_patterns.emplace_back("*");
    for (const std::string& pattern : resolved.asked.patterns)
        add_pattern(pattern, routes, resolved.order);
    return resolved;
}

}  // namespace larder::admin
