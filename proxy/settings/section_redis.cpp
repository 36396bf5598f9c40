#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

constexpr std::string_view own_prefix = "larder:";

void read_url(const Node& node, std::optional<Redis>& redis) {
    const auto text = node.text(
        pattern_form("a URL such as redis://127.0.0.1:6379/0, a map, or off",
                     "(?:redis|rediss|unix|redis-sentinel|redis-cluster|rediss-cluster)://.+|"
                     "[Oo][Ff][Ff]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]",
                     {"off"}));
    if (!text) return;
    const std::string fault = set_redis(*text, redis);
    if (!fault.empty()) node.error(fault);
}

std::optional<std::string> read_prefix(const Node& node) {
    const auto text = node.text(any_text());
    if (!text || !text->starts_with(own_prefix)) return text;
    node.error("must not start with larder:, under which larder keeps its own keys");
    return std::nullopt;
}

void read_tls(const Node& node, RedisTls& tls) {
    MapReader map(node, "a map of ca, certificate, key and verify");
    if (!map.is_map()) return;
    map.require_both_or_neither("certificate", "key");
    map.read("ca", tls.ca, read_text);
    map.read("certificate", tls.certificate, read_text);
    map.read("key", tls.key, read_text);
    map.read("verify", tls.verify, read_switch);
    map.report_unknown_keys();
}

/// on (as `tls`), off, or a map as `tls` is.
void read_sentinel_tls(const Node& node, Redis& redis) {
    if (node.is_map()) {
        read_tls(node, redis.sentinel_tls.emplace());
        return;
    }
    const auto on = read_switch(node);
    if (on && *on) redis.sentinel_tls = redis.tls;
}

}  // namespace

void read_redis(const Node& node, std::optional<Redis>& redis) {
    if (!node.is_map()) return read_url(node, redis);
    redis.emplace();
    MapReader map(node, "a map");
    map.require("url", "a url");
    map.read("max_connections", redis->max_connections, read_count_or_auto);
    map.read("connect_timeout", redis->connect_timeout, read_timeout);
    map.read("timeout", redis->timeout, read_timeout);
    map.read("prefix", redis->prefix, read_prefix);
    if (const auto tls = map.take("tls")) read_tls(*tls, redis->tls);
    map.read("sentinel_password", redis->sentinel_password, read_text);
    if (const auto tls = map.take("sentinel_tls")) read_sentinel_tls(*tls, *redis);
    map.read(
        "on_purge_failure", redis->on_purge_failure,
        one_of<OnPurgeFailure>({{"pass", OnPurgeFailure::pass}, {"fail", OnPurgeFailure::fail}}));
    map.read("purge_stream", redis->purge_stream, read_text);
    map.read("compress", redis->compress, read_switch);
    map.read("compress_above", redis->compress_above, read_size);
    // Last, because `url: off` removes the object that the other options are read into.
    if (const auto url = map.take("url")) read_url(*url, redis);
    map.report_unknown_keys();
}

}  // namespace larder::settings
