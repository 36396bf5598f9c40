#include "settings/load_settings.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

/// Gives a top-level key's value to the reader of its section.
template <class Section, class Read>
void read_section(MapReader& map, std::string_view key, Section& out, const Read& read) {
    if (const auto node = map.take(key)) read(*node, out);
}

/// The first directory that systemd gives for state (StateDirectory=). Empty: none.
std::string state_directory(const Environment& environment) {
    const std::string list = environment("STATE_DIRECTORY").value_or("");
    return list.substr(0, list.find(':'));
}

void read_top(const Node& node, Settings& settings) {
    if (node.is_null() || node.is_map()) settings.positions[""] = {1, 1};
    if (node.is_null()) return;  // an empty file
    MapReader map(node, "a map of settings");
    if (!map.is_map()) return;
    read_section(map, "listen", settings.listen, read_listen);
    read_section(map, "admin", settings.admin, read_admin);
    read_section(map, "origin", settings.origin, read_origin);
    read_section(map, "origins", settings.origins, read_origins);
    read_section(map, "redis", settings.redis, read_redis);
    read_section(map, "memory", settings.memory_bytes, read_memory);
    map.read("threads", settings.threads, read_count_or_auto);
    read_section(map, "limits", settings.limits, read_limits);
    map.read("trusted_proxies", settings.trusted_proxies, read_networks);
    map.read("purge_from", settings.purge_from, read_networks);
    map.read("credentials", settings.credentials, read_field_names);
    map.read(
        "path_case", settings.path_case,
        one_of<PathCase>({{"exact", PathCase::exact}, {"insensitive", PathCase::insensitive}}));
    map.read("tag_headers", settings.tag_headers, read_field_names);
    map.read("debug_token", settings.debug_token, read_filled_text);
    read_section(map, "log", settings.log, read_log);
    read_section(map, "state", settings.state, read_state);
    read_section(map, "headers", settings.headers, read_headers);
    map.read("compress", settings.compress, read_codings);
    read_section(map, "routes", settings.routes, [&](const Node& list, std::vector<Route>& routes) {
        read_routes(list, settings.credentials, routes);
    });
    read_section(map, "examples", settings.examples, read_examples);
    map.report_unknown_keys();
    fit_default_max_object(settings);
}

void sort_by_position(Problems& problems, std::size_t first) {
    std::stable_sort(problems.begin() + static_cast<std::ptrdiff_t>(first), problems.end(),
                     [](const Problem& a, const Problem& b) {
                         return std::pair(a.at.line, a.at.column) <
                                std::pair(b.at.line, b.at.column);
                     });
}

void override_with(const std::optional<std::string>& text, const char* option, auto& target,
                   auto set, Problems& problems) {
    if (!text) return;
    const std::string fault = set(*text, target);
    if (!fault.empty()) problems.push_back({Problem::Severity::error, {}, option, fault});
}

}  // namespace

void fit_default_max_object(Settings& settings) {
    if (settings.positions.contains("limits.max_object")) return;
    const std::size_t usual = Limits{}.max_object;
    const bool memory_only = settings.memory_bytes > 0 && !settings.redis;
    settings.limits.max_object =
        memory_only ? std::min(usual, largest_in_memory(settings.memory_bytes)) : usual;
}

Settings load_settings_text(const std::string& text, const std::string& name, Problems& problems,
                            const Environment& environment) {
    Settings settings;
    settings.file = name;
    settings.state = state_directory(environment);
    const std::size_t first = problems.size();
    const auto root = read_yaml(text, problems);
    if (!root) return settings;
    Reading reading{problems, environment, settings.positions};
    read_top(Node(*root, "", reading), settings);
    sort_by_position(problems, first);
    return settings;
}

Shape describe_settings() {
    Shape shape;
    std::size_t ways = 1;
    for (std::size_t depth = 0; depth < shape_depth_max; ++depth) ways *= assumed_count;
    for (std::size_t way = 0; way < ways; ++way) {
        Problems none;
        Settings settings;
        const Environment environment = [](const std::string&) { return std::nullopt; };
        AssumedByDepth assumed{Assumed::map};
        for (std::size_t depth = 1, rest = way; depth <= shape_depth_max; ++depth) {
            assumed[depth] = static_cast<Assumed>(rest % assumed_count);
            rest /= assumed_count;
        }
        Reading reading{none, environment, settings.positions, assumed};
        read_top(Node(shape, Assumed::map, reading), settings);
    }
    shape.required = {"origin"};  // check_settings checks it, since the command line may give it
    return shape;
}

Settings load_settings(const std::string& file, Problems& problems,
                       const Environment& environment) {
    Settings settings;
    settings.file = file;
    const auto unreadable = [&](const std::string& why) {
        problems.push_back({Problem::Severity::error, {}, "", "cannot be read: " + why});
        return settings;
    };
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) return unreadable("it is a directory");
    std::ifstream input(file, std::ios::binary);
    if (!input) return unreadable(std::strerror(errno));
    std::string text;
    char block[16 * 1024];
    while (text.size() <= yaml_text_bytes_max &&
           (input.read(block, sizeof block) || input.gcount() > 0))
        text.append(block, static_cast<std::size_t>(input.gcount()));
    if (input.bad()) return unreadable(std::strerror(errno));
    return load_settings_text(text, file, problems, environment);
}

Settings default_settings() {
    Settings settings;
    settings.state = state_directory(process_environment());
    Route everything;
    everything.kind = RouteKind::read;
    everything.match = "GET /{rest*}";
    everything.key = "{host}:{path}";
    settings.routes.push_back(std::move(everything));
    return settings;
}

void apply_overrides(const Overrides& overrides, Settings& settings, Problems& problems) {
    std::vector<Listener> listen;
    const std::size_t before = problems.size();
    for (const std::string& address : overrides.listen) {
        std::vector<Listener> one;
        override_with(address, "--listen", one, set_listen, problems);
        listen.insert(listen.end(), one.begin(), one.end());
    }
    if (!listen.empty() && problems.size() == before) settings.listen = std::move(listen);
    override_with(overrides.admin, "--admin", settings.admin, set_admin, problems);
    override_with(overrides.origin, "--origin", settings.origin, set_origin, problems);
    override_with(overrides.redis, "--redis", settings.redis, set_redis, problems);
}

}  // namespace larder::settings
