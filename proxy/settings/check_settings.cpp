#include "settings/check_settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "settings/units.hpp"

namespace larder::settings {
namespace {

constexpr int threads_max = 1024;

/// Adds problems of one Settings, each at the nearest key that the file gives.
class Checker {
public:
    Checker(const Settings& settings, Problems& problems, const FileCheck& file_check)
        : settings_(settings), problems_(problems), file_check_(file_check) {}

    void error(const std::string& path, std::string message) {
        add(Problem::Severity::error, path, std::move(message));
    }
    void warn(const std::string& path, std::string message) {
        add(Problem::Severity::warning, path, std::move(message));
    }

    /// Whether the file could be read as a configuration, or there is no file. Where not, the
    /// problems say so already.
    [[nodiscard]] bool is_readable() const {
        return settings_.file.empty() || settings_.positions.contains("");
    }

    /// Whether an error was found at the key, or within it.
    [[nodiscard]] bool has_error_at(const std::string& path) const {
        return std::any_of(problems_.begin(), problems_.end(), [&](const Problem& problem) {
            return problem.severity == Problem::Severity::error && problem.path.starts_with(path) &&
                   (problem.path.size() == path.size() || problem.path[path.size()] == '.' ||
                    problem.path[path.size()] == '[');
        });
    }
    [[nodiscard]] bool is_misspelled(const std::string& key) const {
        return std::any_of(problems_.begin(), problems_.end(), [&](const Problem& problem) {
            return problem.message.ends_with("did you mean " + key + "?");
        });
    }
    [[nodiscard]] bool has_error_of(const std::string& path) const {
        return std::any_of(problems_.begin(), problems_.end(), [&](const Problem& problem) {
            return problem.severity == Problem::Severity::error && problem.path == path;
        });
    }

    void check_file(const std::string& path, const std::string& file) {
        if (file.empty()) return;
        const std::string fault = file_check_(file);
        if (!fault.empty()) error(path, "cannot read " + file + ": " + fault);
    }

private:
    void add(Problem::Severity severity, const std::string& path, std::string message) {
        problems_.push_back({severity, position_of(path), path, std::move(message)});
    }

    [[nodiscard]] Position position_of(std::string path) const {
        while (true) {
            const auto found = settings_.positions.find(path);
            if (found != settings_.positions.end()) return found->second;
            if (path.empty()) return {};
            const std::size_t end = path.find_last_of(".[");
            path.resize(end == std::string::npos ? 0 : end);
        }
    }

    const Settings& settings_;
    Problems& problems_;
    const FileCheck& file_check_;
};

void check_listen(const Settings& settings, Checker& check) {
    std::set<HostPort> seen;
    for (std::size_t i = 0; i < settings.listen.size(); ++i) {
        const Listener& listener = settings.listen[i];
        const std::string path =
            settings.listen.size() == 1 ? "listen" : "listen[" + std::to_string(i) + ']';
        const bool any_port = listener.address.port == 0 && !listener.address.is_unix();
        if (!any_port && !seen.insert(listener.address).second)
            check.error(path, to_text(listener.address) + " is listened on already");
        if (listener.proxy_protocol && settings.trusted_proxies.empty())
            check.warn(path,
                       "proxy_protocol is on, but trusted_proxies names nobody to believe it");
        if (!listener.tls) continue;
        check.check_file(path + ".tls.certificate", listener.tls->certificate);
        check.check_file(path + ".tls.key", listener.tls->key);
        check.check_file(path + ".tls.client_ca", listener.tls->client_ca);
    }
}

void check_admin(const Settings& settings, Checker& check) {
    if (!settings.admin.address) return;
    const HostPort& address = *settings.admin.address;
    if (address.is_unix())
        return check.error("admin",
                           "a Unix socket is for listen and origin only: give an address "
                           "such as 127.0.0.1:9180");
    if (settings.admin.tls) {
        check.check_file("admin.tls.certificate", settings.admin.tls->certificate);
        check.check_file("admin.tls.key", settings.admin.tls->key);
        check.check_file("admin.tls.client_ca", settings.admin.tls->client_ca);
    }
    if (!is_loopback(address) && !settings.admin.needs_token()) {
        check.error(
            "admin",
            to_text(address) +
                " is open to the network: give a token, or an address such as 127.0.0.1:9180");
    }
    for (const Listener& listener : settings.listen)
        if (address.port != 0 && listener.address == address)
            check.error("admin", to_text(address) + " is in listen already");
}

void check_one_origin(const Origin& origin, const std::string& path, Checker& check) {
    if (std::set<OriginUrl>(origin.servers.begin(), origin.servers.end()).size() <
        origin.servers.size())
        check.warn(path + ".servers", "names a server twice");
    const bool any_tls = std::any_of(origin.servers.begin(), origin.servers.end(),
                                     [](const OriginUrl& server) { return server.tls; });
    const bool tls_set = !origin.tls.ca.empty() || !origin.tls.verify ||
                         !origin.tls.server_name.empty() || !origin.tls.certificate.empty();
    if (tls_set && !any_tls)
        check.warn(path + ".tls", "has no effect: no server's URL is https://");
    check.check_file(path + ".tls.ca", origin.tls.ca);
    check.check_file(path + ".tls.certificate", origin.tls.certificate);
    check.check_file(path + ".tls.key", origin.tls.key);
}

void check_origin(const Settings& settings, Checker& check) {
    if (!settings.origin.servers.empty()) return check_one_origin(settings.origin, "origin", check);
    const bool is_map = settings.positions.contains("origin");
    const bool told = !check.is_readable() || check.is_misspelled(is_map ? "servers" : "origin") ||
                      check.has_error_of("origin") || check.has_error_at("origin.servers") ||
                      check.has_error_at("--origin");
    if (told) return;
    if (settings.file.empty())
        check.error("origin",
                    "is missing: say what larder stands before, with --origin "
                    "http://127.0.0.1:8000 or in a configuration file (-c FILE)");
    else
        check.error("origin",
                    std::string(is_map ? "needs servers" : "is missing") +
                        ": give the URL of what larder stands before, such as "
                        "http://127.0.0.1:8000" +
                        (settings.origins.empty() ? "" : "; requests of no route go there"));
}

void check_origins(const Settings& settings, Checker& check) {
    for (const auto& [name, origin] : settings.origins) {
        const std::string path = "origins." + name;
        if (origin.servers.empty()) {
            if (!check.has_error_at(path))
                check.error(path, "needs servers: give its URL, such as http://127.0.0.1:8000");
            continue;
        }
        check_one_origin(origin, path, check);
        const bool used = std::any_of(settings.routes.begin(), settings.routes.end(),
                                      [&](const Route& route) { return route.origin == name; });
        if (!used)
            check.warn(path, "no route names it: give `origin: " + name + "` to the routes whose " +
                                 "requests go there");
    }
}

/// Whether a key or pattern has a brace that belongs to no placeholder.
bool has_lone_brace(std::string_view text) {
    while (true) {
        const std::size_t brace = text.find_first_of("{}");
        if (brace == text.npos) return false;
        if (text[brace] == '}') return true;
        const std::size_t close = text.find('}', brace);
        if (close == text.npos) return true;
        text.remove_prefix(close + 1);
    }
}

/// In a cluster, a key and its guard must hash to one slot. The key's own braces decide about the
/// slot, if it has any; else larder puts braces around the key.
void check_cluster(const Settings& settings, Checker& check) {
    if (settings.redis->url.kind != RedisUrl::Kind::cluster) return;
    for (std::size_t i = 0; i < settings.routes.size(); ++i)
        if (has_lone_brace(settings.routes[i].key))
            check.error(
                "routes[" + std::to_string(i) + "].key",
                "has a brace that belongs to no placeholder: on a Redis Cluster the key and "
                "its guard would stand in different slots");
    const std::string& prefix = settings.redis->prefix;
    const std::size_t open = prefix.find('{');
    const std::size_t close = prefix.find('}', open + 1);
    if (open == prefix.npos) return;
    if (close == prefix.npos || close == open + 1)
        check.error("redis.prefix",
                    "has a brace without its pair: on a cluster its keys would hash apart");
    else
        check.warn("redis.prefix",
                   "has a hash tag: all that is cached stands in one slot of the cluster");
}

void check_redis(const Settings& settings, Checker& check) {
    if (!settings.redis || settings.redis->url.empty()) return;  // a wrong URL is reported already
    const RedisTls& tls = settings.redis->tls;
    const RedisUrl::Kind kind = settings.redis->url.kind;
    const bool tls_set = !tls.ca.empty() || !tls.certificate.empty() || !tls.verify;
    const bool plain = kind == RedisUrl::Kind::tcp ||
                       (kind == RedisUrl::Kind::cluster && !settings.redis->url.secure);
    if (tls_set && plain)
        check.warn("redis.tls", "has no effect: the url is not rediss:// or rediss-cluster://");
    check.check_file("redis.tls.ca", tls.ca);
    check.check_file("redis.tls.certificate", tls.certificate);
    check.check_file("redis.tls.key", tls.key);
    check_cluster(settings, check);
    const bool sentinels = kind == RedisUrl::Kind::sentinel;
    const bool of_sentinels =
        !settings.redis->sentinel_password.empty() || settings.redis->sentinel_tls;
    if (of_sentinels && !sentinels)
        check.warn(settings.redis->sentinel_tls ? "redis.sentinel_tls" : "redis.sentinel_password",
                   "has no effect: the url is not redis-sentinel://");
    if (!settings.redis->sentinel_tls) return;
    check.check_file("redis.sentinel_tls.ca", settings.redis->sentinel_tls->ca);
    check.check_file("redis.sentinel_tls.certificate", settings.redis->sentinel_tls->certificate);
    check.check_file("redis.sentinel_tls.key", settings.redis->sentinel_tls->key);
}

void check_sizes(const Settings& settings, Checker& check) {
    if (settings.threads > threads_max)
        check.error("threads", "must not exceed " + std::to_string(threads_max));
    if (settings.memory_bytes == 0) return;
    const std::size_t most = largest_in_memory(settings.memory_bytes);
    const std::string beyond = "exceeds three eighths of memory (" + size_text(most) +
                               "): objects that are larger are " +
                               (settings.redis ? "kept in Redis only" : "not kept");
    const bool is_given = settings.positions.contains("limits.max_object");
    if (is_given && settings.limits.max_object > most) check.warn("limits.max_object", beyond);
    for (std::size_t i = 0; i < settings.routes.size(); ++i) {
        const Route& route = settings.routes[i];
        if (route.memory && route.max_object && *route.max_object > most)
            check.warn("routes[" + std::to_string(i) + "].max_object", beyond);
    }
}

void check_trust(const Settings& settings, Checker& check) {
    const auto everybody = [](const std::vector<Network>& networks) {
        return std::any_of(networks.begin(), networks.end(),
                           [](const Network& network) { return network.prefix == 0; });
    };
    if (everybody(settings.trusted_proxies))
        check.warn("trusted_proxies", "believes everybody: any client can claim any address");
    if (everybody(settings.purge_from)) check.warn("purge_from", "lets everybody purge");
}

// Larder creates, renames and locks files there.
void check_state(const Settings& settings, Checker& check) {
    if (settings.state.empty()) return;
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(settings.state, ignored);
    const bool writable = is_folder && ::access(settings.state.c_str(), R_OK | W_OK | X_OK) == 0;
    if (!writable)
        check.error("state",
                    settings.state +
                        (is_folder ? " cannot be written to: larder's user needs all rights there"
                                   : " is no directory: create it, or say off"));
}

void check_caching(const Settings& settings, Checker& check) {
    const bool reads =
        std::any_of(settings.routes.begin(), settings.routes.end(),
                    [](const Route& route) { return route.kind == RouteKind::read; });
    if (reads && settings.memory_bytes == 0 && !settings.redis)
        check.warn("memory", "is off and there is no redis: nothing is cached");
    if (settings.memory_bytes > 0) return;
    constexpr const char* no_memory =
        "has no effect: coded forms are kept in the memory tier, which is off";
    if (!settings.compress.empty()) check.warn("compress", no_memory);
    for (std::size_t i = 0; i < settings.routes.size(); ++i)
        if (settings.routes[i].compress && !settings.routes[i].compress->empty())
            check.warn("routes[" + std::to_string(i) + "].compress", no_memory);
}

}  // namespace

FileCheck can_be_read() {
    return [](const std::string& path) -> std::string {
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) return "it is a directory";
        const std::ifstream file(path);
        return file ? "" : std::strerror(errno);
    };
}

void check_settings(const Settings& settings, Problems& problems, const FileCheck& file_check) {
    Checker check(settings, problems, file_check);
    check_listen(settings, check);
    check_admin(settings, check);
    check_origin(settings, check);
    check_origins(settings, check);
    check_redis(settings, check);
    check_sizes(settings, check);
    check_trust(settings, check);
    check_state(settings, check);
    check_caching(settings, check);
}

}  // namespace larder::settings
