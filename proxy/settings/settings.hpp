#pragma once
#include <algorithm>
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
    std::string client_ca;    ///< PEM file: clients must show a certificate of these; empty: none
};

struct Listener {
    HostPort address;
    std::optional<Tls> tls;
    bool proxy_protocol = false;
    bool http2 = true;  ///< by ALPN with TLS, by prior knowledge without
};

/// What the owner of a token may do at the admin address.
struct AdminRights {
    bool read = false;    ///< look at figures and settings
    bool purge = false;   ///< purge, and see what is stored
    bool reload = false;  ///< load the configuration again
};

struct AdminToken {
    std::string name;  ///< for the record of purges
    std::string token;
    AdminRights may;
};

struct Admin {
    std::optional<HostPort> address{{"127.0.0.1", 9180}};  ///< nothing: off
    std::string token;               ///< may do everything; empty: there is none
    std::vector<AdminToken> tokens;  ///< with a name and rights each
    std::optional<Tls> tls;

    [[nodiscard]] bool needs_token() const { return !token.empty() || !tokens.empty(); }
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
    std::string certificate;  ///< PEM file that larder shows to the origin; empty: none
    std::string key;          ///< PEM file; of the certificate
};

/// When an address that fails is left out, while there is another.
struct Ejection {
    int failures = 3;             ///< in a row; 0: never
    milliseconds duration = 10s;  ///< how long
};

enum class Balance { round_robin, least_connections };

struct Origin {
    std::vector<OriginUrl> servers;
    Balance balance = Balance::round_robin;
    int max_connections = 0;  ///< for each address of a server, all threads together; 0: no limit
    milliseconds connect_timeout = 2s;
    milliseconds response_timeout = 30s;  ///< until the first byte of the response
    milliseconds idle_timeout = 60s;      ///< between bytes of the response
    milliseconds resolve = 30s;           ///< between two lookups of a server's name
    std::string host;                     ///< empty: the client's Host is preserved
    OriginHealth health;
    Ejection ejection;
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
    std::size_t http2_streams = 128;   ///< requests at once on an HTTP/2 connection
    std::size_t key_body = 64 * 1024;  ///< larger request bodies are not made into keys
};

enum class LogFormat { text, json };
enum class AccessLog { off, on, errors };
/// What the access log shows of a query: the parameters' names, or their values too.
enum class LogQuery { names, full };

struct Log {
    std::string level = "info";
    LogFormat format = LogFormat::text;
    AccessLog access = AccessLog::off;
    LogQuery query = LogQuery::names;
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

/// Content codings that larder makes itself (`compress`).
enum class Coding : std::uint8_t { zstd, br, gzip };

/// What the operator lets a read route ignore. Each one is a deliberate risk.
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

/// An option that decides about entries must be listed in route/rules.cpp too.
struct Route {
    Position at;
    RouteKind kind = RouteKind::pass;
    std::string match;  ///< "GET,HEAD /articles/{id}" as written
    Position match_at;
    std::string host;    ///< empty: every host; "*.example.com": one label or more before it
    std::string origin;  ///< a name among Settings::origins; empty: Settings::origin
    Position origin_at;
    std::string origin_path;  ///< the path that the origin is sent; empty: the request's own
    Position origin_path_at;
    std::string name;

    // read
    std::string key;
    Position key_at;
    std::optional<milliseconds> ttl;  ///< nothing, or zero: only what the origin's own fields grant
    Position ttl_at;
    double heuristic = 0;      ///< share of the time since Last-Modified (0.1 for 10%); 0: none
    double refresh_ahead = 0;  ///< share of the lifetime before its end in which a hit refreshes
    double jitter = 0;         ///< largest share that `ttl` and `status_ttl` are shortened by
    std::string client_cache_control;  ///< Cache-Control for clients; empty: the origin's own
    bool etag = false;                 ///< make an ETag of the stored body where there is none
    std::optional<std::vector<Coding>> compress;  ///< nothing: Settings::compress
    double audit = 0;                             ///< share of the hits that are compared
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
    milliseconds settle{0};  ///< how long reads of the origin may lag behind this write
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
    std::map<std::string, Origin> origins;  ///< further ones, by name
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
    /// Response fields whose values are tags of the entry, and request fields of PURGE: lower-case
    /// names.
    std::vector<std::string> tag_headers{"surrogate-key", "cache-tag", "cache-tags", "xkey",
                                         "edge-cache-tag"};
    std::string debug_token;  ///< of requests that want Larder-Explain; empty: nobody gets it
    Log log;
    std::string state;  ///< directory for what must survive a restart; empty: off
    Headers headers;
    std::vector<Coding> compress;  ///< of routes that do not say; empty: none
    std::vector<Route> routes;
    std::vector<Example> examples;

    /// The position of each value that the file gives, by the key's path ("limits.max_object",
    /// "listen"). The empty path stands for the whole; it is missing where there is no file, or the
    /// file could not be read as a configuration.
    std::map<std::string, Position> positions;
};

/// The largest object that a memory of so many bytes keeps: one object must not push out most of
/// the others.
constexpr std::size_t largest_in_memory(std::size_t bytes) { return bytes / 8 * 3; }

/// The largest object that memory has to keep under any route.
inline std::size_t largest_object(const Settings& settings) {
    std::size_t most = settings.limits.max_object;
    for (const Route& route : settings.routes)
        if (route.memory && route.max_object) most = std::max(most, *route.max_object);
    return most;
}

}  // namespace larder::settings
