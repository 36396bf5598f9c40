#include <algorithm>

#include "base/host_port.hpp"
#include "base/text.hpp"
#include "settings/sections.hpp"
#include "settings/units.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

std::optional<OriginUrl> read_server(const Node& node) {
    const auto text = node.text(pattern_form("a URL such as http://127.0.0.1:8000",
                                             "[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\s]+/?|"
                                             "[Hh][Tt][Tt][Pp]\\+[Uu][Nn][Ii][Xx]:///.+"));
    if (!text) return std::nullopt;
    std::string fault;
    auto url = parse_origin_url(*text, fault);
    if (!url) node.error(fault);
    return url;
}

std::optional<std::vector<OriginUrl>> read_servers(const Node& node) {
    std::vector<OriginUrl> out;
    const auto items = node.is_list() ? node.items() : std::vector<Node>{node};
    if (items.empty()) node.error("needs one URL at least");
    for (const Node& item : items)
        if (auto server = read_server(item)) out.push_back(std::move(*server));
    if (out.empty()) return std::nullopt;
    return out;
}

/// The Host that the origin sees: empty where the client's is preserved.
std::optional<std::string> read_host(const Node& node) {
    const auto text =
        node.text(pattern_form("preserve, or a host name", "[^/?#@%\\s]+", {"preserve"}));
    if (!text) return std::nullopt;
    if (*text == "preserve") return "";
    if (parse_authority(*text, 80)) return text;
    error_expected_form(node, "preserve, or a host name", *text);
    return std::nullopt;
}

std::optional<std::string> read_path(const Node& node) {
    const auto text = node.text(pattern_form("a path such as /health", "/[^ #]*"));
    if (!text) return std::nullopt;
    if (text->starts_with('/') && text->find_first_of(" #") == std::string::npos) return text;
    error_expected_form(node, "a path such as /health", *text);
    return std::nullopt;
}

void read_health(const Node& node, OriginHealth& health) {
    MapReader map(node, "a map of path, interval, timeout, healthy and unhealthy");
    if (!map.is_map()) return;
    map.require("path", "a path to ask for");
    map.read("path", health.path, read_path);
    map.read("interval", health.interval, read_timeout);
    map.read("timeout", health.timeout, read_timeout);
    map.read("healthy", health.healthy, read_count);
    map.read("unhealthy", health.unhealthy, read_count);
    map.report_unknown_keys();
}

void read_tls(const Node& node, OriginTls& tls) {
    MapReader map(node, "a map of ca, verify, server_name, certificate and key");
    if (!map.is_map()) return;
    map.require_both_or_neither("certificate", "key");
    map.read("ca", tls.ca, read_text);
    map.read("verify", tls.verify, read_switch);
    map.read("server_name", tls.server_name, read_text);
    map.read("certificate", tls.certificate, read_text);
    map.read("key", tls.key, read_text);
    map.report_unknown_keys();
}

/// A map, or off.
void read_ejection(const Node& node, Ejection& ejection) {
    if (!node.is_map()) {
        constexpr std::string_view expected = "a map of failures and duration, or off";
        const auto text = node.text(off_form(std::string(expected)));
        if (text && parse_switch(*text) != false) error_expected_form(node, expected, *text);
        ejection.failures = 0;
        return;
    }
    MapReader map(node, "a map of failures and duration, or off");
    map.read("failures", ejection.failures, read_count);
    map.read("duration", ejection.duration, read_timeout);
    map.report_unknown_keys();
}

bool is_origin_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_digit(c) || c == '-' || c == '_';
    });
}

}  // namespace

void read_origin(const Node& node, Origin& origin) {
    if (!node.is_map()) {
        if (const auto server = read_server(node)) origin.servers = {*server};
        return;
    }
    MapReader map(node, "a map");
    map.read("servers", origin.servers, read_servers);
    map.read("balance", origin.balance,
             one_of<Balance>({{"round_robin", Balance::round_robin},
                              {"least_connections", Balance::least_connections}}));
    map.read("max_connections", origin.max_connections, read_count_or_unlimited);
    map.read("connect_timeout", origin.connect_timeout, read_timeout);
    map.read("response_timeout", origin.response_timeout, read_timeout);
    map.read("idle_timeout", origin.idle_timeout, read_timeout);
    map.read("resolve", origin.resolve, read_timeout);
    map.read("host", origin.host, read_host);
    if (const auto health = map.take("health")) read_health(*health, origin.health);
    if (const auto ejection = map.take("ejection")) read_ejection(*ejection, origin.ejection);
    if (const auto tls = map.take("tls")) read_tls(*tls, origin.tls);
    map.report_unknown_keys();
}

void read_origins(const Node& node, std::map<std::string, Origin>& origins) {
    if (node.is_null_as_empty()) return;
    MapReader map(node, "a map of names and origins, such as {users: http://users:8000}");
    if (!map.is_map()) return;
    for (const auto& [name, value] : map.entries("users", "^[A-Za-z0-9_-]+$")) {
        if (!is_origin_name(name)) {
            map.error_at_key(name, "an origin's name is made of letters, digits, '-' and '_'");
            continue;
        }
        read_origin(value, origins[name]);
    }
}

}  // namespace larder::settings
