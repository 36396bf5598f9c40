#pragma once
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "route/compiled_route.hpp"
#include "route/offline_request.hpp"
#include "route/route_table.hpp"

/// Route tables and requests for tests, in few words.
namespace larder::route::kit {

inline settings::Route read(std::string match, std::string key) {
    settings::Route rule;
    rule.kind = settings::RouteKind::read;
    rule.match = std::move(match);
    rule.key = std::move(key);
    rule.ttl = std::chrono::seconds(60);
    return rule;
}

inline settings::Route write(std::string match, std::vector<std::string> purge) {
    settings::Route rule;
    rule.kind = settings::RouteKind::write;
    rule.match = std::move(match);
    rule.purge = std::move(purge);
    return rule;
}

inline settings::Route pass(std::string match) {
    settings::Route rule;
    rule.match = std::move(match);
    return rule;
}

inline settings::Route on_host(settings::Route rule, std::string host) {
    rule.host = std::move(host);
    return rule;
}

inline settings::Settings settings_of(std::vector<settings::Route> routes) {
    settings::Settings settings;
    settings.routes = std::move(routes);
    for (std::size_t i = 0; i < settings.routes.size(); ++i) {
        settings::Route& route = settings.routes[i];
        route.at = {static_cast<int>(10 * i + 10), 5};
        route.match_at = {static_cast<int>(10 * i + 10), 12};
        route.key_at = {static_cast<int>(10 * i + 11), 10};
        route.ttl_at = {static_cast<int>(10 * i + 12), 10};
        route.ignore_at = {static_cast<int>(10 * i + 13), 13};
        for (std::size_t p = 0; p < route.purge.size(); ++p)
            route.purge_at.push_back({static_cast<int>(10 * i + 11), static_cast<int>(13 + p)});
    }
    return settings;
}

/// A table that must compile.
inline RouteTable table_of(std::vector<settings::Route> routes) {
    settings::Problems problems;
    RouteTable table = RouteTable::compile(settings_of(std::move(routes)), problems);
    if (!problems.empty())
        throw std::logic_error(problems.front().path + ": " + problems.front().message);
    return table;
}

inline OfflineRequest request(std::string_view line, const HeaderList& headers = {}) {
    const std::size_t space = line.find(' ');
    auto made =
        OfflineRequest::make(line.substr(0, space), line.substr(space + 1), "api.test", headers);
    if (!made) throw std::logic_error("no request: " + std::string(line));
    return std::move(*made);
}

inline Match match(const RouteTable& table, const OfflineRequest& asked) {
    return table.match(asked.head().method, asked.head().method_name, asked.head().host,
                       asked.head().path);
}

/// The position of the route that takes the request; -1 for none.
inline int taken_by(const RouteTable& table, std::string_view line) {
    const Match found = match(table, request(line));
    return found.route ? static_cast<int>(found.route->index) : -1;
}

struct Built {
    std::string key;
    KeyInfo key_info;
    std::vector<std::string> tags;
    [[nodiscard]] std::string bare() const { return key.substr(0, key_info.bare_size); }
};

/// The key and tags of a request that a read route takes.
inline Built build(const RouteTable& table, std::string_view line, const HeaderList& headers = {}) {
    const OfflineRequest asked = request(line, headers);
    const Match found = match(table, asked);
    if (!found.route) throw std::logic_error("no route for " + std::string(line));
    Built out;
    out.key_info = build_key(*found.route, found.captures, asked.head(), out.key);
    collect_tags(*found.route, out.key, out.key_info, out.tags);
    return out;
}

inline std::string key_of(const RouteTable& table, std::string_view line,
                          const HeaderList& headers = {}) {
    return build(table, line, headers).key;
}

inline PurgeSet purges_of(const RouteTable& table, std::string_view line,
                          const JsonLookup* json = nullptr, const HeaderList& headers = {}) {
    const OfflineRequest asked = request(line, headers);
    PurgeSet out;
    table.collect_write_purges(match(table, asked), asked.head(), json, out);
    return out;
}

inline bool holds(const std::vector<std::string>& list, std::string_view item) {
    for (const std::string& have : list)
        if (have == item) return true;
    return false;
}

/// The demo's routes.
inline std::vector<settings::Route> articles() {
    return {read("GET /articles", "articles:list:{skip=0}:{limit=20}"),
            read("GET /articles/{id}", "articles:{id}"),
            read("GET /users/{id}", "users:{id}"),
            read("GET /tags", "tags:list"),
            write("POST /articles", {"articles:list:*"}),
            write("PUT,PATCH,DELETE /articles/{id}", {"articles:{id}", "articles:list:*"})};
}

}  // namespace larder::route::kit
