// The sections that are neither connections nor routes: memory, limits, log, state, headers.
#include "settings/sections.hpp"
#include "settings/units.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

std::optional<std::string> read_level(const Node& node) {
    using namespace std::string_view_literals;
    const auto level = one_of<std::string_view>({{"trace", "trace"sv},
                                                 {"debug", "debug"sv},
                                                 {"info", "info"sv},
                                                 {"warn", "warn"sv},
                                                 {"warning", "warn"sv},
                                                 {"error", "error"sv},
                                                 {"critical", "critical"sv},
                                                 {"off", "off"sv}})(node);
    if (!level) return std::nullopt;
    return std::string(*level);
}

/// on, off, or errors.
std::optional<AccessLog> read_access(const Node& node) {
    const auto text =
        node.text({.expected = "on, off or errors", .words = {"errors"}, .is_switch = true});
    if (!text) return std::nullopt;
    if (*text == "errors") return AccessLog::errors;
    if (const auto on = parse_switch(*text)) return *on ? AccessLog::on : AccessLog::off;
    error_expected_form(node, "on, off or errors", *text);
    return std::nullopt;
}

}  // namespace

void read_memory(const Node& node, std::size_t& memory_bytes) {
    constexpr const char* expected = "a size such as 256MB, or off";
    const auto text = node.text({.expected = expected,
                                 .pattern = "[0-9]{1,20}(?:[KMGkmg][Bb])?|[Oo][Ff][Ff]|"
                                            "[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]",
                                 .words = {"off"},
                                 .numbers = Form::Numbers::whole});
    if (!text) return;
    if (parse_switch(*text) == false) {
        memory_bytes = 0;
    } else if (const auto size = parse_size(*text)) {
        memory_bytes = *size;
    } else {
        error_expected_form(node, expected, *text);
    }
}

void read_limits(const Node& node, Limits& limits) {
    MapReader map(node, "a map");
    if (!map.is_map()) return;
    map.read("header_bytes", limits.header_bytes, read_buffer_size);
    map.read("header_count", limits.header_count, read_count);
    map.read("uri_bytes", limits.uri_bytes, read_buffer_size);
    map.read("body_bytes", limits.body_bytes, read_size_or_unlimited);
    map.read("connections", limits.connections, read_count);
    map.read("connections_per_client", limits.connections_per_client, read_count_or_unlimited);
    map.read("header_timeout", limits.header_timeout, read_timeout);
    map.read("body_timeout", limits.body_timeout, read_timeout);
    map.read("keepalive_timeout", limits.keepalive_timeout, read_timeout);
    map.read("max_object", limits.max_object, read_size);
    map.read("drain_timeout", limits.drain_timeout, read_duration);
    map.read("http2_streams", limits.http2_streams, read_count);
    map.read("key_body", limits.key_body, read_buffer_size);
    map.report_unknown_keys();
}

void read_log(const Node& node, Log& log) {
    MapReader map(node, "a map of level, format, access and query");
    if (!map.is_map()) return;
    map.read("level", log.level, read_level);
    map.read("format", log.format,
             one_of<LogFormat>({{"text", LogFormat::text}, {"json", LogFormat::json}}));
    map.read("access", log.access, read_access);
    map.read("query", log.query,
             one_of<LogQuery>({{"names", LogQuery::names}, {"full", LogQuery::full}}));
    map.report_unknown_keys();
}

void read_state(const Node& node, std::string& state) {
    constexpr std::string_view expected = "a directory, or off";
    const auto text = node.text({.expected = std::string(expected), .may_be_empty = false});
    if (!text) return;
    if (parse_switch(*text) == false) {
        state.clear();
    } else if (!text->empty() && !parse_switch(*text)) {
        state = *text;
    } else {
        error_expected_form(node, expected, *text);
    }
}

void read_headers(const Node& node, Headers& headers) {
    MapReader map(node, "a map of x_cache, cache_status, cache_key and via");
    if (!map.is_map()) return;
    map.read("x_cache", headers.x_cache, read_switch);
    map.read("cache_status", headers.cache_status, read_switch);
    map.read("cache_key", headers.cache_key, read_switch);
    map.read("via", headers.via, read_switch);
    map.report_unknown_keys();
}

}  // namespace larder::settings
