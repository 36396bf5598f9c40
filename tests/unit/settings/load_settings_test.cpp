#include "settings/load_settings.hpp"

#include <doctest/doctest.h>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

/// Loads a text that must be without a problem.
Settings load_good(const std::string& text, std::map<std::string, std::string> variables = {}) {
    const Loaded loaded = load(text, std::move(variables));
    CHECK(loaded.text() == "");
    return loaded.settings;
}

std::string text_of(const OriginUrl& url) { return url.text(); }
std::string text_of(const larder::Network& network) { return to_text(network); }

/// The texts of a list, with a blank between two.
template <class T>
std::string texts_of(const std::vector<T>& list) {
    std::string out;
    for (const T& item : list) out += (out.empty() ? "" : " ") + text_of(item);
    return out;
}

}  // namespace

TEST_CASE("an empty file has the defaults, and no routes") {
    const Settings settings = load_good("");
    CHECK(to_text(settings.listen.at(0).address) == "0.0.0.0:8080");
    CHECK(to_text(*settings.admin.address) == "127.0.0.1:9180");
    CHECK_FALSE(settings.redis.has_value());
    CHECK(settings.memory_bytes == 256 * 1024 * 1024);
    CHECK(settings.routes.empty());
    CHECK(settings.file == "f");
}

TEST_CASE("without a file one route caches what the origin grants") {
    const Settings settings = default_settings();
    CHECK(settings.file == "");
    CHECK_FALSE(settings.redis.has_value());
    REQUIRE(settings.routes.size() == 1);
    CHECK(settings.routes[0].kind == RouteKind::read);
    CHECK(settings.routes[0].match == "GET /{rest*}");
    CHECK(settings.routes[0].key == "{host}:{path}");
    CHECK_FALSE(settings.routes[0].ttl.has_value());
}

TEST_CASE("listen is an address, a map, or a list of both") {
    CHECK(to_text(load_good("listen: 127.0.0.1:1").listen.at(0).address) == "127.0.0.1:1");
    CHECK(to_text(load_good("listen: :8080").listen.at(0).address) == "0.0.0.0:8080");
    CHECK(to_text(load_good("listen: '[::1]:0'").listen.at(0).address) == "[::1]:0");
    CHECK(load_good("listen: {address: h:1, proxy_protocol: on}").listen.at(0).proxy_protocol);
    CHECK(load_good("listen: {address: h:1}").listen.at(0).http2);
    CHECK(!load_good("listen: {address: h:1, http2: off}").listen.at(0).http2);
    const auto list =
        load_good("listen: [h:1, {address: h:2, tls: {certificate: c.pem, key: k.pem}}]").listen;
    REQUIRE(list.size() == 2);
    CHECK(to_text(list[0].address) == "h:1");
    CHECK_FALSE(list[0].tls.has_value());
    REQUIRE(list[1].tls.has_value());
    CHECK(list[1].tls->certificate == "c.pem");
    CHECK(list[1].tls->key == "k.pem");
}

TEST_CASE("admin is an address, a map, or off") {
    CHECK(to_text(*load_good("admin: 127.0.0.1:1").admin.address) == "127.0.0.1:1");
    CHECK_FALSE(load_good("admin: off").admin.address.has_value());
    CHECK_FALSE(load_good("admin: ${X}", {{"X", "off"}}).admin.address.has_value());
    const Admin admin = load_good("admin: {address: 0.0.0.0:1, token: t0ken}").admin;
    CHECK(to_text(*admin.address) == "0.0.0.0:1");
    CHECK(admin.token == "t0ken");
    CHECK(to_text(*load_good("admin: {token: x}").admin.address) == "127.0.0.1:9180");
}

TEST_CASE("origin is a URL or a map") {
    CHECK(texts_of(load_good("origin: http://h").origin.servers) == "http://h:80");
    CHECK(texts_of(load_good("origin: {servers: http://h:1}").origin.servers) == "http://h:1");
    const Origin origin = load_good(R"(
origin:
  servers: [http://a:1, https://b]
  balance: least_connections
  max_connections: 7
  connect_timeout: 1s
  response_timeout: 2s
  idle_timeout: 3s
  resolve: 8s
  host: api.example.com:8443
  health: {path: "/up?x=1", interval: 4s, timeout: 500ms, healthy: 5, unhealthy: 6}
  tls: {ca: ca.pem, verify: off, server_name: name}
)")
                              .origin;
    CHECK(texts_of(origin.servers) == "http://a:1 https://b:443");
    CHECK(origin.balance == Balance::least_connections);
    CHECK(origin.max_connections == 7);
    CHECK(origin.connect_timeout == 1s);
    CHECK(origin.response_timeout == 2s);
    CHECK(origin.idle_timeout == 3s);
    CHECK(origin.resolve == 8s);
    CHECK(load_good("origin: http://h").origin.resolve == 30s);
    CHECK(origin.host == "api.example.com:8443");
    CHECK(origin.health.path == "/up?x=1");
    CHECK(origin.health.interval == 4s);
    CHECK(origin.health.timeout == 500ms);
    CHECK(origin.health.healthy == 5);
    CHECK(origin.health.unhealthy == 6);
    CHECK(origin.tls.ca == "ca.pem");
    CHECK_FALSE(origin.tls.verify);
    CHECK(origin.tls.server_name == "name");
    CHECK(load_good("origin: {host: preserve}").origin.host == "");
    CHECK(load_good("origin: {max_connections: unlimited}").origin.max_connections == 0);
}

TEST_CASE("sentinels have a password and TLS of their own") {
    const auto redis = [](const std::string& more) {
        return *load_good(
                    "redis: {url: 'redis-sentinel://h:1/m', tls: {ca: ca.pem}, sentinel_password: "
                    "pw" +
                    more + "}")
                    .redis;
    };
    CHECK(redis("").sentinel_password == "pw");
    CHECK_FALSE(redis("").sentinel_tls);
    CHECK_FALSE(redis(", sentinel_tls: off").sentinel_tls);
    CHECK(redis(", sentinel_tls: on").sentinel_tls->ca == "ca.pem");
    CHECK(redis(", sentinel_tls: on").sentinel_tls->verify);
    CHECK(redis(", sentinel_tls: {ca: other.pem}").sentinel_tls->ca == "other.pem");
    CHECK_FALSE(redis(", sentinel_tls: {verify: off}").sentinel_tls->verify);
}

TEST_CASE("redis is a URL, a map, or off") {
    CHECK(load_good("redis: redis://h/1").redis->url.masked() == "redis://h/1");
    CHECK_FALSE(load_good("redis: off").redis.has_value());
    CHECK_FALSE(load_good("redis: {url: '${R}', timeout: 1s}", {{"R", "off"}}).redis.has_value());
    const auto redis = load_good(R"(
redis:
  url: rediss://u:p@h:1/2
  max_connections: 3
  connect_timeout: 4s
  timeout: 5ms
  prefix: "shop:"
  tls: {ca: ca.pem, certificate: c.pem, key: k.pem, verify: off}
  on_purge_failure: fail
  compress: off
  compress_above: 1KB
)")
                           .redis;
    REQUIRE(redis.has_value());
    CHECK(redis->url.masked() == "rediss://u:***@h:1/2");
    CHECK(redis->url.password == "p");
    CHECK(redis->max_connections == 3);
    CHECK(redis->connect_timeout == 4s);
    CHECK(redis->timeout == 5ms);
    CHECK(redis->prefix == "shop:");
    CHECK(redis->tls.ca == "ca.pem");
    CHECK(redis->tls.certificate == "c.pem");
    CHECK(redis->tls.key == "k.pem");
    CHECK_FALSE(redis->tls.verify);
    CHECK(redis->on_purge_failure == OnPurgeFailure::fail);
    CHECK_FALSE(redis->compress);
    CHECK(redis->compress_above == 1024);
    CHECK(load_good("redis: {url: redis://h}").redis->max_connections == 0);
    CHECK(load_good("redis: {url: redis://h, max_connections: auto}").redis->max_connections == 0);
}

TEST_CASE("memory and threads") {
    CHECK(load_good("memory: 1GB").memory_bytes == 1024UL * 1024 * 1024);
    CHECK(load_good("memory: off").memory_bytes == 0);
    CHECK(load_good("threads: 4").threads == 4);
    CHECK(load_good("threads: auto").threads == 0);
}

TEST_CASE("the default max_object follows a smaller memory, a given one does not") {
    CHECK(load_good("memory: 4MB").limits.max_object == 1536 * 1024);
    CHECK(load_good("memory: off").limits.max_object == 8 * 1024 * 1024);
    CHECK(load_good("memory: 4MB\nlimits: {max_object: 6MB}").limits.max_object == 6 * 1024 * 1024);
}

TEST_CASE("every limit") {
    const Limits limits = load_good(R"(
limits:
  header_bytes: 1KB
  header_count: 2
  uri_bytes: 3KB
  body_bytes: 4MB
  connections: 5
  connections_per_client: 6
  header_timeout: 7s
  body_timeout: 8s
  keepalive_timeout: 9s
  max_object: 10KB
  drain_timeout: 0
  http2_streams: 11
)")
                              .limits;
    CHECK(limits.header_bytes == 1024);
    CHECK(limits.header_count == 2);
    CHECK(limits.uri_bytes == 3 * 1024);
    CHECK(limits.body_bytes == 4 * 1024 * 1024);
    CHECK(limits.connections == 5);
    CHECK(limits.connections_per_client == 6);
    CHECK(limits.header_timeout == 7s);
    CHECK(limits.body_timeout == 8s);
    CHECK(limits.keepalive_timeout == 9s);
    CHECK(limits.max_object == 10 * 1024);
    CHECK(limits.drain_timeout == 0s);
    CHECK(limits.http2_streams == 11);
    CHECK(load_good("limits: {body_bytes: 0}").limits.body_bytes == 0);
    CHECK(load_good("limits: {body_bytes: unlimited}").limits.body_bytes == UINT64_MAX);
    CHECK(load_good("limits: {connections_per_client: unlimited}").limits.connections_per_client ==
          0);
}

TEST_CASE("networks, log and headers") {
    CHECK(texts_of(load_good("trusted_proxies: [10.0.0.0/8, '::1']").trusted_proxies) ==
          "10.0.0.0/8 ::1/128");
    CHECK(load_good("purge_from: []").purge_from.empty());
    CHECK(texts_of(load_good("purge_from: 10.0.0.1").purge_from) == "10.0.0.1/32");
    CHECK(texts_of(load_good("").purge_from) == "127.0.0.0/8 ::1/128");
    const Log log = load_good("log: {level: warning, format: json, access: errors}").log;
    CHECK(log.level == "warn");
    CHECK(log.format == LogFormat::json);
    CHECK(log.access == AccessLog::errors);
    CHECK(load_good("log: {access: on}").log.access == AccessLog::on);
    const Headers headers =
        load_good("headers: {x_cache: off, cache_status: no, cache_key: yes, via: false}").headers;
    CHECK_FALSE(headers.x_cache);
    CHECK_FALSE(headers.cache_status);
    CHECK(headers.cache_key);
    CHECK_FALSE(headers.via);
}

TEST_CASE("lists may be left empty") {
    CHECK(load_good("routes:\nexamples:\ntrusted_proxies:\n").routes.empty());
}

TEST_CASE("what the environment gives is one value, never structure") {
    const std::map<std::string, std::string> hostile{{"X", "{a: 1, b: [2]} # x: y"},
                                                     {"Y", "1\nadmin: off"}};
    CHECK(load_good("redis: {url: redis://h, prefix: '${X}'}", hostile).redis->prefix ==
          "{a: 1, b: [2]} # x: y");
    const Loaded loaded = load("redis: {url: redis://h, prefix: '${Y}'}", hostile);
    CHECK(loaded.text() ==
          "f:1:33: error: redis.prefix: a value must not hold line breaks or other control "
          "characters\n");
    CHECK(to_text(*loaded.settings.admin.address) == "127.0.0.1:9180");
}

TEST_CASE("the settings know where each key of the file stands") {
    const Settings settings = load_good("memory: 64MB\nlimits:\n  max_object: 1MB\n");
    CHECK(settings.positions.at("memory").column == 9);
    CHECK(settings.positions.at("limits.max_object").line == 3);
    CHECK_FALSE(settings.positions.contains("limits.connections"));
}

TEST_CASE("the command line has the last word") {
    Settings settings = load_good(
        "listen: [h:1, h:2]\nadmin: {token: t}\norigin: {servers: http://a, host: b}\n"
        "redis: {url: redis://a, prefix: p}");
    Problems problems;
    apply_overrides({{":3"}, "127.0.0.1:4", "http://c", "redis://d"}, settings, problems);
    CHECK(problems.empty());
    CHECK(settings.listen.size() == 1);
    CHECK(to_text(settings.listen.at(0).address) == "0.0.0.0:3");
    CHECK(to_text(*settings.admin.address) == "127.0.0.1:4");
    CHECK(settings.admin.token == "t");
    CHECK(texts_of(settings.origin.servers) == "http://c:80");
    CHECK(settings.origin.host == "b");
    CHECK(settings.redis->url.masked() == "redis://d");
    CHECK(settings.redis->prefix == "p");

    apply_overrides({{}, "off", std::nullopt, "off"}, settings, problems);
    CHECK(problems.empty());
    CHECK_FALSE(settings.admin.address.has_value());
    CHECK_FALSE(settings.redis.has_value());

    apply_overrides({{"8080"}, "x", "y", "z"}, settings, problems);
    REQUIRE(problems.size() == 4);
    CHECK(to_text(problems[0], "f").starts_with("error: --listen: expected an address"));
    CHECK(problems[1].path == "--admin");
    CHECK(problems[2].path == "--origin");
    CHECK(problems[3].path == "--redis");
    CHECK(to_text(settings.listen.at(0).address) == "0.0.0.0:3");

    apply_overrides({{":5", "[::1]:6"}, {}, {}, {}}, settings, problems);
    CHECK(settings.listen.size() == 2);
    CHECK(to_text(settings.listen.at(1).address) == "[::1]:6");
}

TEST_CASE("a file that cannot be read is one problem") {
    for (const std::string file : {"/nonexistent/larder.yaml", "/", ""}) {
        CAPTURE(file);
        Problems problems;
        const Settings settings = load_settings(file, problems, environment_of({}));
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].message.starts_with("cannot be read: "));
        CHECK(settings.file == file);
    }
}

TEST_CASE("state is what the file says, else the first directory that systemd names") {
    CHECK(load_good("state: /s").state == "/s");
    CHECK(load_good("", {{"STATE_DIRECTORY", "/a:/b"}}).state == "/a");
    CHECK(load_good("state: off", {{"STATE_DIRECTORY", "/a"}}).state == "");
    CHECK(load_good("").state == "");
    CHECK(
        load("state: on").text().starts_with("f:1:8: error: state: expected a directory, or off"));
    CHECK(
        load("state: [a]").text().starts_with("f:1:8: error: state: expected a directory, or off"));
}
