#include <algorithm>
#include <array>

#include "base/host_port.hpp"
#include "base/text.hpp"
#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

constexpr std::array<std::string_view, 22> read_options{"ttl",
                                                        "heuristic",
                                                        "mode",
                                                        "stale_while_revalidate",
                                                        "stale_if_error",
                                                        "status_ttl",
                                                        "tags",
                                                        "ignore",
                                                        "strip",
                                                        "ignore_query",
                                                        "query",
                                                        "max_object",
                                                        "memory",
                                                        "client_no_cache",
                                                        "wait",
                                                        "refresh_ahead",
                                                        "jitter",
                                                        "client_cache_control",
                                                        "etag",
                                                        "compress",
                                                        "audit",
                                                        "key"};

constexpr std::array<std::string_view, 5> framing_fields{"connection", "content-length",
                                                         "transfer-encoding", "trailer", "upgrade"};

std::optional<Ignore> read_ignore(const Node& node, const std::vector<std::string>& credentials) {
    Ignore ignore;
    const std::vector<std::pair<std::string_view, bool Ignore::*>> fields{
        {"cache-control", &Ignore::cache_control},
        {"set-cookie", &Ignore::set_cookie},
        {"cookie", &Ignore::cookie},
        {"authorization", &Ignore::authorization},
        {"vary", &Ignore::vary}};
    if (node.is_null_as_empty()) return ignore;
    for (const Node& item : node.is_list() ? node.items() : std::vector<Node>{node}) {
        constexpr const char* expected =
            "cache-control, set-cookie, cookie, authorization, vary, or one of `credentials`";
        const auto name = item.text(pattern_form(expected, "[!#$%&'*+.^_`|~0-9A-Za-z-]+"));
        if (!name) continue;
        const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) {
            return iequals(field.first, *name);
        });
        if (found != fields.end()) {
            ignore.*(found->second) = true;
        } else if (const std::string lower = to_lower_copy(*name);
                   std::count(credentials.begin(), credentials.end(), lower) > 0) {
            ignore.credentials.push_back(lower);
        } else {
            error_expected_form(item, expected, *name);
        }
    }
    return ignore;
}

std::optional<std::vector<std::string>> read_strip(const Node& node) {
    std::vector<std::string> names;
    if (node.is_null_as_empty()) return names;
    for (const Node& item : node.is_list() ? node.items() : std::vector<Node>{node}) {
        const auto name = read_field_name(item);
        if (!name) continue;
        if (std::find(framing_fields.begin(), framing_fields.end(), *name) != framing_fields.end())
            item.error(*name + " belongs to the message itself and cannot be stripped");
        names.push_back(*name);
    }
    return names;
}

std::optional<std::vector<StatusTtl>> read_status_ttl(const Node& node) {
    std::vector<StatusTtl> out;
    MapReader map(node, "a map such as {404: 10s}");
    if (!map.is_map()) return std::nullopt;
    for (const auto& [key, value] : map.entries("404", "^[2-5][0-9][0-9]$")) {
        const auto status = key.size() == 3 ? parse_decimal(key) : std::nullopt;
        if (!status || *status < 200 || *status > 599) {
            map.error_at_key(key, "expected a status from 200 to 599 as the key");
        } else if (*status == 206 || *status == 304) {
            map.error_at_key(
                key, "a " + key + " is part of another response and never stored by itself");
        } else if (const auto ttl = read_duration(value)) {
            out.push_back({static_cast<int>(*status), *ttl});
        }
    }
    return out;
}

void read_text_at(MapReader& map, std::string_view key, std::string& out, Position& at) {
    const auto node = map.take(key);
    if (!node) return;
    at = node->at();
    if (auto text = read_filled_text(*node)) out = std::move(*text);
}

void read_purge(MapReader& map, Route& route) {
    const auto node = map.take("purge");
    if (!node) return;
    const auto items = node->is_list() ? node->items() : std::vector<Node>{*node};
    if (node->is_null())
        return node->error(
            "needs a key or pattern, or an empty list ([]) for a request that changes nothing");
    for (const Node& item : items) {
        route.purge.push_back(
            read_filled_text(item).value_or(""));  // a wrong item keeps its place, as ""
        route.purge_at.push_back(item.at());
    }
}

/// A route is a read (key), a write (purge), or a pass (cache: off): one of them.
void read_kind(MapReader& map, const Node& node, Route& route) {
    const bool has_key = map.has("key");
    const bool has_purge = map.has("purge");
    const bool has_cache = map.has("cache");
    if (const auto cache = map.take("cache"))
        static_cast<void>(read_off(*cache, "expected off; a route is cached when it has a key"));
    map.declare_alternatives({{"key"}, {"purge"}, {"cache"}});
    for (std::string_view option : read_options)
        if (option != "key") map.declare_need(option, "key");
    const int kinds = int{has_key} + int{has_purge} + int{has_cache};
    const bool misspelled = !map.lacks("key") || !map.lacks("purge") || !map.lacks("cache");
    if (kinds == 0 && !misspelled)
        node.error("needs key (to cache), purge (for writes), or cache: off (straight through)");
    if (kinds > 1) node.error("mixes kinds: a route has one of key, purge and cache: off");
    route.kind = has_key ? RouteKind::read : has_purge ? RouteKind::write : RouteKind::pass;
    if (kinds == 1 && !has_purge && map.has("settle"))
        map.error_at_key("settle", "only a route with purge takes this");
    if (kinds != 1 || has_key) return;
    for (std::string_view option : read_options)
        if (map.has(option)) map.error_at_key(option, "only a route with a key takes this");
}

/// A share of a lifetime, less than all of it.
std::optional<double> read_part(const Node& node) {
    const auto share = read_share(node);
    if (!share || *share < 1) return share;
    node.error("must be less than 100%: nothing of the lifetime would be left");
    return std::nullopt;
}

void read_read_options(MapReader& map, const std::vector<std::string>& credentials, Route& route) {
    read_text_at(map, "key", route.key, route.key_at);
    if (const auto ttl = map.take("ttl")) {
        route.ttl_at = ttl->at();
        route.ttl = read_duration(*ttl);
    }
    map.read("heuristic", route.heuristic, read_share);
    map.read("refresh_ahead", route.refresh_ahead, read_part);
    map.read("jitter", route.jitter, read_part);
    map.read("client_cache_control", route.client_cache_control, read_filled_text);
    map.read("etag", route.etag, read_switch);
    map.read("compress", route.compress, read_codings);
    map.read("audit", route.audit, read_share);
    map.read("mode", route.shadow, one_of<bool>({{"shadow", true}}));
    map.read("stale_while_revalidate", route.stale_while_revalidate, read_duration);
    map.read("stale_if_error", route.stale_if_error, read_duration);
    map.read("status_ttl", route.status_ttl, read_status_ttl);
    if (const auto tags = map.take("tags")) {
        if (auto texts = read_texts(*tags)) route.tags = std::move(*texts);
        for (const Node& item : tags->is_list() ? tags->items() : std::vector<Node>{*tags})
            route.tags_at.push_back(item.at());
    }
    if (const auto ignore = map.take("ignore")) {
        route.ignore_at = ignore->at();
        if (const auto read = read_ignore(*ignore, credentials)) route.ignore = *read;
    }
    map.read("strip", route.strip, read_strip);
    map.read("ignore_query", route.ignore_query, read_texts);
    map.read("query", route.query_bypass, one_of<bool>({{"bypass", true}}));
    map.read("max_object", route.max_object, read_size);
    map.read("memory", route.memory, read_switch);
    map.read("client_no_cache", route.honour_client_no_cache, one_of<bool>({{"honour", true}}));
    map.read("wait", route.wait, read_duration);
}

/// As in the Host field: a name or an address, with a port where only that port is meant. "*."
/// before a name stands for one label or more.
std::optional<std::string> read_host(const Node& node) {
    constexpr const char* expected =
        "a host such as api.example.com or api.example.com:8080, or *.example.com for every host "
        "below it (without `host` a route takes every host)";
    const auto text =
        node.text(pattern_form(expected,
                               "(?:\\*\\.)?(?:\\[[0-9A-Fa-f:.]+\\]|[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|"
                               "(?![0-9.]+(?::|$))[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"));
    if (!text) return text;
    std::string_view name = *text;
    const bool wild = name.starts_with("*.");
    if (wild) name.remove_prefix(2);
    if (parse_authority(name, 80)) return text;
    error_expected_form(node, expected, *text);
    return std::nullopt;
}

Route read_route(const Node& node, const std::vector<std::string>& credentials) {
    Route route;
    route.at = node.at();
    MapReader map(node, "a map with match, and key, purge or cache: off");
    if (!map.is_map()) return route;
    map.require("match", "a match, such as GET /articles/{id}");
    read_text_at(map, "match", route.match, route.match_at);
    map.read("host", route.host, read_host);
    read_text_at(map, "origin", route.origin, route.origin_at);
    read_text_at(map, "origin_path", route.origin_path, route.origin_path_at);
    map.read("name", route.name, read_filled_text);
    read_kind(map, node, route);
    read_read_options(map, credentials, route);
    read_purge(map, route);
    map.read("settle", route.settle, read_duration);
    map.report_unknown_keys();
    return route;
}

}  // namespace

void read_routes(const Node& node, const std::vector<std::string>& credentials,
                 std::vector<Route>& routes) {
    if (node.is_null_as_empty()) return;
    if (!node.is_list()) return node.error_expected("a list of routes");
    for (const Node& item : node.items()) routes.push_back(read_route(item, credentials));
}

}  // namespace larder::settings
