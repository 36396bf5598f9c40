#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/host_port.hpp"
#include "base/network.hpp"
#include "settings/origin_url.hpp"
#include "settings/redis_url.hpp"

/// The configuration as plain data: defaults and units stand beside the members, load_settings
/// fills them, nothing changes them afterwards. One Settings is one load; a reload makes another.
namespace larder::settings {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

/// Where in the file something stood, for messages. Line and column count from 1; 0 means "not from
/// the file".
struct Position {
    int line = 0;
    int column = 0;
};

struct Tls {
    std::string certificate;  ///< PEM file with the chain
    std::string key;          ///< PEM file
};

struct Listener {
    HostPort address;
    std::optional<Tls> tls;
    bool proxy_protocol = false;
};

struct Admin {
    std::optional<HostPort> address{{"127.0.0.1", 9180}};  ///< nothing: off
    std::string token;                                     ///< empty: none needed
};

struct OriginHealth {
    std::string path;  ///< empty: no active checks
    milliseconds interval = 5s;
    milliseconds timeout = 2s;
    int healthy = 2;    ///< good answers in a row that bring a server back
    int unhealthy = 3;  ///< bad ones in a row that take it out
};

struct OriginTls {
    std::string ca;  ///< PEM file; empty: the system's
    bool verify = true;
    std::string server_name;  ///< empty: the URL's host
};

enum class Balance { round_robin, least_connections };

struct Origin {
    std::vector<OriginUrl> servers;
    Balance balance = Balance::round_robin;
    int max_connections = 0;  ///< for each server, all threads together; 0: no limit
    milliseconds connect_timeout = 2s;
    milliseconds response_timeout = 30s;  ///< until the first byte of the response
    milliseconds idle_timeout = 60s;      ///< between bytes of the response
    milliseconds resolve = 30s;           ///< between two lookups of a server's name
    std::string host;                     ///< empty: the client's Host is preserved
    OriginHealth health;
    OriginTls tls;
};

enum class OnPurgeFailure { pass, fail };

struct RedisTls {
    std::string ca;
    std::string certificate;
    std::string key;
    bool verify = true;
};

struct Redis {
    RedisUrl url;
    int max_connections = 0;  ///< 0: 10, or threads + 2 where that is more
    milliseconds connect_timeout = 2s;
    milliseconds timeout = 100ms;  ///< all that one request may wait for Redis
    std::string prefix;
    RedisTls tls;
    std::string sentinel_password;         ///< empty: the sentinels ask for none
    std::optional<RedisTls> sentinel_tls;  ///< nothing: the sentinels are asked without TLS
    OnPurgeFailure on_purge_failure = OnPurgeFailure::pass;
    std::string purge_stream;  ///< a stream whose entries are purges; empty: none
    bool compress = true;      ///< store large identity bodies zstd-compressed where it pays
    std::size_t compress_above = 16 * 1024;  ///< bytes
};

struct Limits {
    std::size_t header_bytes = 32 * 1024;    ///< beyond: 431
    std::size_t header_count = 128;          ///< beyond: 431
    std::size_t uri_bytes = 16 * 1024;       ///< beyond: 414
    std::uint64_t body_bytes = UINT64_MAX;   ///< beyond: 413
    std::size_t connections = 10000;         ///< beyond: accepting pauses
    std::size_t connections_per_client = 0;  ///< 0: no limit of its own
    milliseconds header_timeout = 10s;       ///< from the first byte of a head to its end: 408
    milliseconds body_timeout = 30s;  ///< between reads of a body, and between writes of a response
    milliseconds keepalive_timeout = 75s;
    std::size_t max_object = 8 * 1024 * 1024;  ///< larger responses stream through unstored
    milliseconds drain_timeout = 30s;
};

enum class LogFormat { text, json };
enum class AccessLog { off, on, errors };

struct Log {
    std::string level = "info";
    LogFormat format = LogFormat::text;
    AccessLog access = AccessLog::off;
};

struct Headers {
    bool x_cache = true;
    bool cache_status = true;
    bool cache_key = false;
    bool via = true;
};

/// How paths are compared: as they are, or for APIs whose routers ignore the case of ASCII letters.
enum class PathCase { exact, insensitive };

enum class RouteKind { read, write, pass };

/// What an operator may tell a read route to overlook (each a deliberate risk).
struct Ignore {
    bool cache_control = false;
    bool set_cookie = false;
    bool cookie = false;
    bool authorization = false;
    bool vary = false;
    std::vector<std::string> credentials;  ///< names among Settings::credentials
};

struct StatusTtl {
    int status = 0;
    milliseconds ttl{0};
};

/// What of it decides about entries is listed in route/rules.cpp too.
struct Route {
    Position at;
    RouteKind kind = RouteKind::pass;
    std::string match;  ///< "GET,HEAD /articles/{id}" as written
    Position match_at;
    std::string host;
    std::string name;

    // read
    std::string key;
    Position key_at;
    std::optional<milliseconds> ttl;  ///< nothing, or zero: only what the origin's own fields grant
    Position ttl_at;
    double heuristic = 0;  ///< share of the time since Last-Modified (0.1 for 10%); 0: none
    bool shadow = false;
    std::optional<milliseconds> stale_while_revalidate;
    std::optional<milliseconds> stale_if_error;
    std::vector<StatusTtl> status_ttl;
    std::vector<std::string> tags;
    std::vector<Position> tags_at;  ///< of each
    Ignore ignore;
    Position ignore_at;
    std::vector<std::string> strip;         ///< lower-case field names
    std::vector<std::string> ignore_query;  ///< names, a trailing * matches any rest
    bool query_bypass = false;
    std::optional<std::size_t> max_object;
    bool memory = true;
    bool honour_client_no_cache = false;
    milliseconds wait = 5s;

    // write
    std::vector<std::string> purge;
    std::vector<Position> purge_at;
};

/// A test of the configuration itself, from `examples`.
struct Example {
    Position at;
    std::string request;  ///< "GET /articles?limit=5"
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::string> key;
    std::optional<milliseconds> ttl;
    std::optional<std::vector<std::string>> purges;
    bool cache_off = false;
};

/// 127.0.0.0/8 and ::1.
inline std::vector<Network> local_networks() {
    return {*parse_network("127.0.0.0/8"), *parse_network("::1")};
}

struct Settings {
    std::string file;  ///< empty: the embedded default
    std::vector<Listener> listen{{{"0.0.0.0", 8080}, {}, false}};
    Admin admin;
    Origin origin;
    std::optional<Redis> redis;
    std::size_t memory_bytes = 256 * 1024 * 1024;  ///< 0: off
    int threads = 0;                               ///< 0: one for each core
    Limits limits;
    std::vector<Network> trusted_proxies;
    std::vector<Network> purge_from = local_networks();
    /// Request fields that carry a user's identity, beside Authorization and Cookie: lower-case
    /// names.
    std::vector<std::string> credentials{"x-api-key", "api-key", "x-auth-token", "x-access-token"};
    PathCase path_case = PathCase::exact;
    Log log;
    std::string state;  ///< directory for what must survive a restart; empty: off
    Headers headers;
    std::vector<Route> routes;
    std::vector<Example> examples;

    /// Where the value of each key that the file gives stands, by the key's path
    /// ("limits.max_object", "listen"). The empty path is the whole, and missing where there is no
    /// file or it could not be read as a configuration.
    std::map<std::string, Position> positions;
};

}  // namespace larder::settings
