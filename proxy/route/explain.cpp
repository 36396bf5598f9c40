#include "route/explain.hpp"

#include "http/write_methods.hpp"
#include "route/compiled_impl.hpp"

namespace larder::route {
namespace {

using settings::RouteKind;

std::string line_of(settings::Position at) {
    return at.line > 0 ? " (line " + std::to_string(at.line) + ")" : "";
}

std::string why_route(const CompiledRoute& route) {
    std::string out = "routes[" + std::to_string(route.index) + "] \"" + route.rule.match + "\"" +
                      line_of(route.rule.match_at) +
                      " is the first that takes the method and the path";
    if (!route.rule.host.empty()) out += " and the host " + route.rule.host;
    switch (route.rule.kind) {
        case RouteKind::read:
            return out + "; it is a read route, so the response may be cached";
        case RouteKind::write:
            return out + "; it is a write route, so it is passed on and purges";
        case RouteKind::pass:
            return out + "; it says `cache: off`, so it is passed through";
    }
    return out;
}

std::vector<std::string> lifetime_of(const settings::Route& rule) {
    std::vector<std::string> out;
    const bool ttl = rule.ttl && rule.ttl->count() > 0;
    const std::string ttl_text = ttl ? "ttl of the route: " + lifetime_text(*rule.ttl) : "";
    for (const settings::StatusTtl& item : rule.status_ttl)
        out.push_back("status_ttl for " + std::to_string(item.status) +
                      ", in the place of ttl: " + lifetime_text(item.ttl));
    if (rule.ignore.cache_control && ttl) {
        out.push_back(ttl_text + ", whatever the origin says (ignore: [cache-control])");
    } else {
        out.emplace_back(
            "the origin's CDN-Cache-Control, Cache-Control or Expires, where it sends one");
        if (ttl) out.push_back("else " + ttl_text);
        if (rule.heuristic > 0)
            out.push_back(
                "else heuristic: " + std::to_string(static_cast<int>(rule.heuristic * 100 + 0.5)) +
                "% of the time since Last-Modified");
        if (!ttl && rule.heuristic <= 0)
            out.emplace_back("nothing else: without those it is not stored (no-lifetime)");
    }
    if (rule.stale_while_revalidate)
        out.push_back("stale_while_revalidate: served for " +
                      lifetime_text(*rule.stale_while_revalidate) +
                      " more while one request refreshes it");
    if (rule.stale_if_error)
        out.push_back("stale_if_error: served for " + lifetime_text(*rule.stale_if_error) +
                      " more where the origin fails");
    if (rule.shadow) out.emplace_back("mode: shadow: every request still goes to the origin");
    return out;
}

void append_list(std::string& out, const std::string& label,
                 const std::vector<std::string>& items) {
    for (const std::string& item : items) out.append(label).append(item).append("\n");
}

}  // namespace

std::string lifetime_text(std::chrono::milliseconds value) {
    const bool whole = value % std::chrono::seconds(1) == std::chrono::milliseconds(0);
    return whole ? std::to_string(value.count() / 1000) + "s"
                 : std::to_string(value.count()) + "ms";
}

Explanation explain(const RouteTable& table, const http::RequestHead& request) {
    Explanation out;
    out.request = std::string(request.method_name) + " " + std::string(request.target);
    out.host = request.host;
    const Match match =
        table.match(request.method, request.method_name, request.host, request.path);
    out.route = match.route;
    out.unsafe = may_change(match, request);
    out.why = match.route
                  ? why_route(*match.route)
                  : "no route takes the method and the path, so it is passed through (no-route)";
    if (match.route && match.route->rule.kind == RouteKind::read) {
        out.readable = true;
        const KeyInfo key_info = build_key(*match.route, match.captures, request, out.key);
        out.bypass = key_info.query_bypass;
        out.needless_encoding = key_info.needless_encoding;
        out.unusable_body = key_info.unusable_body;
        collect_tags(*match.route, out.key, key_info, out.tags);
        out.response_tags = match.route->rule.tags;
        out.lifetime = lifetime_of(match.route->rule);
    }
    const bool purging_route = match.route && match.route->rule.kind == RouteKind::write;
    if (out.unsafe || purging_route)
        table.collect_write_purges(match, request, nullptr, out.purges);
    return out;
}

std::string to_text(const Explanation& explanation) {
    std::string out = "request   " + explanation.request + "\n";
    if (!explanation.host.empty()) out += "host      " + explanation.host + "\n";
    out += "route     " + explanation.why + "\n";
    if (explanation.readable) {
        out += "key       " + explanation.key + "\n";
        append_list(out, "tag       ", explanation.tags);
        append_list(out, "tag       ", explanation.response_tags);
        if (explanation.bypass)
            out +=
                "bypass    it has a query parameter that the key does not name (query: bypass)\n";
        if (explanation.needless_encoding)
            out +=
                "bypass    a parameter's name encodes a character that needs none: the origin may "
                "take it for another name\n";
        if (explanation.unusable_body)
            out +=
                "bypass    the key needs the body as JSON, and this body is none that every reader "
                "understands alike (detail=body)\n";
        append_list(out, "lifetime  ", explanation.lifetime);
    }
    append_list(out, "purges    ", explanation.purges.keys);
    append_list(out, "purges    ", explanation.purges.patterns);
    if (explanation.unsafe && explanation.purges.empty()) out += "purges    nothing\n";
    return out;
}

}  // namespace larder::route
