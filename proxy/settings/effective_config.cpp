#include "settings/effective_config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "base/text.hpp"
#include "settings/indented_json.hpp"
#include "settings/units.hpp"

namespace larder::settings {
namespace {

namespace json = boost::json;

constexpr const char* masked = "***";

const char* on_off(bool on) { return on ? "on" : "off"; }

/// A literal "${" would be taken for a variable when the text is loaded again.
std::string literal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("${")) out += '$';
        out += text[i];
    }
    return out;
}

json::array texts(const std::vector<std::string>& list) {
    json::array out;
    for (const std::string& text : list) out.emplace_back(literal(text));
    return out;
}

json::array networks(const std::vector<Network>& list) {
    json::array out;
    for (const Network& network : list) out.emplace_back(to_text(network));
    return out;
}

json::value count_or(std::uint64_t count, const char* word) {
    if (count == 0) return json::string(word);
    return count;
}

void add_text(json::object& out, const char* key, const std::string& text) {
    if (!text.empty()) out[key] = literal(text);
}

json::value of_tls(const Tls& tls) {
    json::object out{{"certificate", literal(tls.certificate)}, {"key", literal(tls.key)}};
    add_text(out, "client_ca", tls.client_ca);
    return out;
}

json::value of_listener(const Listener& listener) {
    json::object out{{"address", to_text(listener.address)},
                     {"proxy_protocol", on_off(listener.proxy_protocol)},
                     {"http2", on_off(listener.http2)}};
    if (listener.tls) out["tls"] = of_tls(*listener.tls);
    return out;
}

json::array of_listen(const std::vector<Listener>& listen) {
    json::array out;
    for (const Listener& listener : listen) out.push_back(of_listener(listener));
    return out;
}

json::value of_admin(const Admin& admin) {
    if (!admin.address) return "off";
    json::object out{{"address", to_text(*admin.address)}};
    if (!admin.token.empty()) out["token"] = masked;
    json::array tokens;
    for (const AdminToken& token : admin.tokens) {
        json::array may;
        if (token.may.read) may.emplace_back("read");
        if (token.may.purge) may.emplace_back("purge");
        if (token.may.reload) may.emplace_back("reload");
        tokens.push_back(json::object{
            {"name", literal(token.name)}, {"token", masked}, {"may", std::move(may)}});
    }
    if (!tokens.empty()) out["tokens"] = std::move(tokens);
    if (admin.tls) out["tls"] = of_tls(*admin.tls);
    return out;
}

json::value of_origin(const Origin& origin) {
    json::object out;
    json::array servers;
    for (const OriginUrl& server : origin.servers) servers.emplace_back(server.text());
    if (!servers.empty()) out["servers"] = std::move(servers);
    out["balance"] = origin.balance == Balance::round_robin ? "round_robin" : "least_connections";
    out["max_connections"] =
        count_or(static_cast<std::uint64_t>(origin.max_connections), "unlimited");
    out["connect_timeout"] = duration_text(origin.connect_timeout);
    out["response_timeout"] = duration_text(origin.response_timeout);
    out["idle_timeout"] = duration_text(origin.idle_timeout);
    out["resolve"] = duration_text(origin.resolve);
    out["host"] = origin.host.empty() ? "preserve" : origin.host;
    if (!origin.health.path.empty()) {
        out["health"] = {{"path", literal(origin.health.path)},
                         {"interval", duration_text(origin.health.interval)},
                         {"timeout", duration_text(origin.health.timeout)},
                         {"healthy", origin.health.healthy},
                         {"unhealthy", origin.health.unhealthy}};
    }
    json::object tls{{"verify", on_off(origin.tls.verify)}};
    add_text(tls, "ca", origin.tls.ca);
    add_text(tls, "server_name", origin.tls.server_name);
    add_text(tls, "certificate", origin.tls.certificate);
    add_text(tls, "key", origin.tls.key);
    out["tls"] = std::move(tls);
    out["ejection"] = "off";
    if (origin.ejection.failures > 0)
        out["ejection"] = {{"failures", origin.ejection.failures},
                           {"duration", duration_text(origin.ejection.duration)}};
    return out;
}

json::object of_origins(const std::map<std::string, Origin>& origins) {
    json::object out;
    for (const auto& [name, origin] : origins) out[name] = of_origin(origin);
    return out;
}

json::object of_redis_tls(const RedisTls& settings) {
    json::object tls{{"verify", on_off(settings.verify)}};
    add_text(tls, "ca", settings.ca);
    add_text(tls, "certificate", settings.certificate);
    add_text(tls, "key", settings.key);
    return tls;
}

json::value of_redis(const std::optional<Redis>& redis) {
    if (!redis) return "off";
    json::object out{
        {"url", literal(redis->url.masked())},
        {"max_connections", count_or(static_cast<std::uint64_t>(redis->max_connections), "auto")},
        {"connect_timeout", duration_text(redis->connect_timeout)},
        {"timeout", duration_text(redis->timeout)},
        {"prefix", literal(redis->prefix)},
        {"tls", of_redis_tls(redis->tls)},
        {"on_purge_failure", redis->on_purge_failure == OnPurgeFailure::pass ? "pass" : "fail"},
        {"compress", on_off(redis->compress)},
        {"compress_above", size_text(redis->compress_above)}};
    if (!redis->purge_stream.empty()) out["purge_stream"] = literal(redis->purge_stream);
    if (!redis->sentinel_password.empty()) out["sentinel_password"] = masked;
    if (redis->sentinel_tls) out["sentinel_tls"] = of_redis_tls(*redis->sentinel_tls);
    return out;
}

json::value of_limits(const Limits& limits) {
    json::value body_bytes = "unlimited";
    if (limits.body_bytes != UINT64_MAX) body_bytes = size_text(limits.body_bytes);
    return {{"header_bytes", size_text(limits.header_bytes)},
            {"header_count", limits.header_count},
            {"uri_bytes", size_text(limits.uri_bytes)},
            {"body_bytes", std::move(body_bytes)},
            {"connections", limits.connections},
            {"connections_per_client", count_or(limits.connections_per_client, "unlimited")},
            {"header_timeout", duration_text(limits.header_timeout)},
            {"body_timeout", duration_text(limits.body_timeout)},
            {"keepalive_timeout", duration_text(limits.keepalive_timeout)},
            {"max_object", size_text(limits.max_object)},
            {"drain_timeout", duration_text(limits.drain_timeout)},
            {"key_body", size_text(limits.key_body)},
            {"http2_streams", limits.http2_streams}};
}

json::value of_log(const Log& log) {
    const char* access = log.access == AccessLog::on    ? "on"
                         : log.access == AccessLog::off ? "off"
                                                        : "errors";
    return {{"level", log.level},
            {"format", log.format == LogFormat::text ? "text" : "json"},
            {"access", access},
            {"query", log.query == LogQuery::names ? "names" : "full"}};
}

json::value of_headers(const Headers& headers) {
    return {{"x_cache", on_off(headers.x_cache)},
            {"cache_status", on_off(headers.cache_status)},
            {"cache_key", on_off(headers.cache_key)},
            {"via", on_off(headers.via)}};
}

json::array of_ignore(const Ignore& ignore) {
    json::array out;
    if (ignore.cache_control) out.emplace_back("cache-control");
    if (ignore.set_cookie) out.emplace_back("set-cookie");
    if (ignore.cookie) out.emplace_back("cookie");
    if (ignore.authorization) out.emplace_back("authorization");
    if (ignore.vary) out.emplace_back("vary");
    for (const std::string& name : ignore.credentials) out.emplace_back(literal(name));
    return out;
}

/// "10%", "2.5%": as few digits as say it.
std::string percentage_text(double share) {
    std::array<char, 32> digits{};
    const auto end =
        std::to_chars(digits.begin(), digits.end(), share * 100, std::chars_format::fixed, 10).ptr;
    std::string out(digits.begin(), end);
    out.resize(out.find_last_not_of('0') + 1);
    if (out.ends_with('.')) out.pop_back();
    return out + '%';
}

json::value of_codings(const std::vector<Coding>& codings) {
    if (codings.empty()) return "off";
    json::array out;
    for (const Coding coding : codings)
        out.emplace_back(coding == Coding::zstd ? "zstd" : coding == Coding::br ? "br" : "gzip");
    return out;
}

void add_read_options(json::object& out, const Route& route) {
    out["key"] = literal(route.key);
    if (route.ttl) out["ttl"] = duration_text(*route.ttl);
    if (route.heuristic > 0) out["heuristic"] = percentage_text(route.heuristic);
    if (route.refresh_ahead > 0) out["refresh_ahead"] = percentage_text(route.refresh_ahead);
    if (route.jitter > 0) out["jitter"] = percentage_text(route.jitter);
    add_text(out, "client_cache_control", route.client_cache_control);
    if (route.etag) out["etag"] = "on";
    if (route.compress) out["compress"] = of_codings(*route.compress);
    if (route.audit > 0) out["audit"] = percentage_text(route.audit);
    if (route.shadow) out["mode"] = "shadow";
    if (route.stale_while_revalidate)
        out["stale_while_revalidate"] = duration_text(*route.stale_while_revalidate);
    if (route.stale_if_error) out["stale_if_error"] = duration_text(*route.stale_if_error);
    json::object status_ttl;
    for (const StatusTtl& item : route.status_ttl)
        status_ttl[std::to_string(item.status)] = duration_text(item.ttl);
    if (!status_ttl.empty()) out["status_ttl"] = std::move(status_ttl);
    if (!route.tags.empty()) out["tags"] = texts(route.tags);
    json::array ignore = of_ignore(route.ignore);
    if (!ignore.empty()) out["ignore"] = std::move(ignore);
    if (!route.strip.empty()) out["strip"] = texts(route.strip);
    if (!route.ignore_query.empty()) out["ignore_query"] = texts(route.ignore_query);
    if (route.query_bypass) out["query"] = "bypass";
    if (route.max_object) out["max_object"] = size_text(*route.max_object);
    out["memory"] = on_off(route.memory);
    if (route.honour_client_no_cache) out["client_no_cache"] = "honour";
    out["wait"] = duration_text(route.wait);
}

json::array of_routes(const std::vector<Route>& routes) {
    json::array out;
    for (const Route& route : routes) {
        json::object item{{"match", literal(route.match)}};
        add_text(item, "host", route.host);
        add_text(item, "origin", route.origin);
        add_text(item, "origin_path", route.origin_path);
        add_text(item, "name", route.name);
        if (route.kind == RouteKind::read) add_read_options(item, route);
        if (route.kind == RouteKind::write) item["purge"] = texts(route.purge);
        if (route.settle.count() > 0) item["settle"] = duration_text(route.settle);
        if (route.kind == RouteKind::pass) item["cache"] = "off";
        out.push_back(std::move(item));
    }
    return out;
}

bool is_credential(std::string_view field, const std::vector<std::string>& credentials) {
    const auto same = [field](const std::string& name) { return iequals(field, name); };
    if (std::any_of(credentials.begin(), credentials.end(), same)) return true;
    return iequals(field, "authorization") || iequals(field, "proxy-authorization") ||
           iequals(field, "cookie");
}

json::array of_examples(const std::vector<Example>& examples,
                        const std::vector<std::string>& credentials) {
    json::array out;
    for (const Example& example : examples) {
        json::object item{{"request", literal(example.request)}};
        json::object headers;
        for (const auto& [name, value] : example.headers)
            headers[name] = is_credential(name, credentials) ? masked : literal(value);
        if (!headers.empty()) item["headers"] = std::move(headers);
        if (example.key) item["key"] = literal(*example.key);
        if (example.ttl) item["ttl"] = duration_text(*example.ttl);
        if (example.purges) item["purges"] = texts(*example.purges);
        if (example.cache_off) item["cache"] = "off";
        out.push_back(std::move(item));
    }
    return out;
}

}  // namespace

Settings with_automatic_values(Settings settings) {
    if (settings.threads == 0)
        settings.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    if (settings.redis && settings.redis->max_connections == 0)
        settings.redis->max_connections = std::max(10, settings.threads + 2);
    return settings;
}

std::string effective_config(const Settings& settings) {
    json::object out;
    out["listen"] = of_listen(settings.listen);
    out["admin"] = of_admin(settings.admin);
    out["origin"] = of_origin(settings.origin);
    if (!settings.origins.empty()) out["origins"] = of_origins(settings.origins);
    out["redis"] = of_redis(settings.redis);
    out["memory"] = settings.memory_bytes == 0 ? "off" : size_text(settings.memory_bytes);
    out["threads"] = count_or(static_cast<std::uint64_t>(settings.threads), "auto");
    out["limits"] = of_limits(settings.limits);
    out["trusted_proxies"] = networks(settings.trusted_proxies);
    out["purge_from"] = networks(settings.purge_from);
    out["credentials"] = texts(settings.credentials);
    out["path_case"] = settings.path_case == PathCase::exact ? "exact" : "insensitive";
    out["tag_headers"] = texts(settings.tag_headers);
    if (!settings.debug_token.empty()) out["debug_token"] = masked;
    out["log"] = of_log(settings.log);
    out["state"] = settings.state.empty() ? "off" : literal(settings.state);
    out["headers"] = of_headers(settings.headers);
    out["compress"] = of_codings(settings.compress);
    out["routes"] = of_routes(settings.routes);
    if (!settings.examples.empty())
        out["examples"] = of_examples(settings.examples, settings.credentials);
    return indented_json(out);
}

}  // namespace larder::settings
