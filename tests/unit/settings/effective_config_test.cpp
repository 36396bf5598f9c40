#include "settings/effective_config.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

const char* const everything = R"(
listen: [{address: 127.0.0.1:1, proxy_protocol: on, http2: off, tls: {certificate: c.pem, key: k.pem, client_ca: d.pem}}, "[::1]:2", "unix:/l.sock"]
admin: {address: 127.0.0.1:3, token: t0ps3cret}
origin:
  servers: [http://a:1, https://b:2]
  balance: least_connections
  max_connections: 7
  connect_timeout: 1500ms
  response_timeout: 2s
  idle_timeout: 3m
  resolve: 45s
  host: api
  health: {path: /up, interval: 4s, timeout: 500ms, healthy: 5, unhealthy: 6}
  tls: {ca: ca.pem, verify: off, server_name: name, certificate: o.pem, key: o.key}
  ejection: {failures: 8, duration: 9s}
origins:
  users: {servers: [http+unix:///u.sock], ejection: off}
  search: http://s:1
redis:
  url: rediss://user:t0ps3cret@h:1/2
  sentinel_password: t0ps3cret
  sentinel_tls: on
  max_connections: 3
  connect_timeout: 4s
  timeout: 5ms
  prefix: "shop:$${x}"
  tls: {ca: ca.pem, certificate: c.pem, key: k.pem, verify: off}
  on_purge_failure: fail
  purge_stream: "shop:purges"
  compress: off
  compress_above: 1KB
memory: off
threads: 4
limits: {header_bytes: 1KB, header_count: 2, uri_bytes: 3KB, body_bytes: 4MB, connections: 5, connections_per_client: 6,
         header_timeout: 7s, body_timeout: 8s, keepalive_timeout: 9s, max_object: 10KB, drain_timeout: 0, key_body: 11KB,
         http2_streams: 11}
trusted_proxies: [10.0.0.0/8]
purge_from: []
log: {level: debug, format: json, access: errors}
headers: {x_cache: off, cache_status: off, cache_key: on, via: off}
compress: [br, gzip]
routes:
  - {match: "GET /a/{id}", host: h, name: "n\"\\ \u00e9", key: "a:{id}", ttl: 90s, heuristic: 2.5%, mode: shadow,
     origin: users, origin_path: "/b/{id}", refresh_ahead: 20%, jitter: 0.5%, client_cache_control: "no-cache", etag: on,
     compress: [zstd], audit: 0.1%,
     stale_while_revalidate: 1s, stale_if_error: 2s, status_ttl: {404: 10s, 410: 1h}, tags: ["t:{id}"],
     ignore: [cache-control, set-cookie, cookie, authorization, vary], strip: [x-a], ignore_query: [utm_*], query: bypass,
     max_object: 1KB, memory: off, client_no_cache: honour, wait: 250ms}
  - {match: PUT /a, purge: [a, "b:*"], settle: 2s}
  - {match: GET /b, cache: off}
examples:
  - {request: GET /a/1, headers: {Authorization: Bearer t0ps3cret, Accept: x}, key: "a:1", ttl: 90s}
  - {request: PUT /a, purges: [a]}
  - {request: GET /b, cache: off}
)";

}  // namespace

TEST_CASE("the effective configuration loads again as the same") {
    for (const std::string text :
         {everything, "", "redis: unix:///r.sock", "admin: off\nmemory: 1000"}) {
        const Loaded first = load(text);
        CHECK(first.text() == "");
        const std::string shown = effective_config(first.settings);
        const Loaded second = load(shown);
        CHECK_MESSAGE(second.text() == "", shown);
        CHECK(effective_config(second.settings) == shown);
    }
}

TEST_CASE("the effective configuration shows every value in its own unit") {
    const auto shown = boost::json::parse(effective_config(load(everything).settings));
    const auto text = [&](const char* pointer) {
        return std::string(shown.at_pointer(pointer).as_string());
    };
    CHECK(text("/listen/0/tls/key") == "k.pem");
    CHECK(text("/listen/0/proxy_protocol") == "on");
    CHECK(text("/listen/0/http2") == "off");
    CHECK(shown.at_pointer("/limits/http2_streams").as_int64() == 11);
    CHECK(text("/origin/connect_timeout") == "1500ms");
    CHECK(text("/origin/idle_timeout") == "3m");
    CHECK(text("/origin/resolve") == "45s");
    CHECK(text("/origin/health/timeout") == "500ms");
    CHECK(text("/redis/prefix") == "shop:$${x}");
    CHECK(text("/memory") == "off");
    CHECK(text("/limits/body_bytes") == "4MB");
    CHECK(text("/log/access") == "errors");
    CHECK(text("/headers/x_cache") == "off");
    CHECK(text("/routes/0/heuristic") == "2.5%");
    CHECK(text("/routes/0/status_ttl/410") == "1h");
    CHECK(text("/listen/0/tls/client_ca") == "d.pem");
    CHECK(text("/listen/2/address") == "unix:/l.sock");
    CHECK(text("/origin/ejection/duration") == "9s");
    CHECK(text("/origin/tls/certificate") == "o.pem");
    CHECK(text("/origins/users/servers/0") == "http+unix:///u.sock");
    CHECK(text("/origins/users/ejection") == "off");
    CHECK(text("/limits/key_body") == "11KB");
    CHECK(text("/compress/0") == "br");
    CHECK(text("/routes/0/compress/0") == "zstd");
    CHECK(text("/routes/0/origin_path") == "/b/{id}");
    CHECK(text("/routes/0/refresh_ahead") == "20%");
    CHECK(text("/routes/0/jitter") == "0.5%");
    CHECK(text("/routes/0/audit") == "0.1%");
    CHECK(text("/routes/0/client_cache_control") == "no-cache");
    CHECK(text("/redis/purge_stream") == "shop:purges");
    CHECK(text("/routes/1/settle") == "2s");
    CHECK(text("/routes/0/ignore/4") == "vary");
    CHECK(text("/routes/1/purge/1") == "b:*");
    CHECK(text("/routes/2/cache") == "off");
    CHECK(shown.at_pointer("/threads").as_int64() == 4);
}

TEST_CASE("the effective configuration shows no secret") {
    const std::string shown = effective_config(load(everything).settings);
    CHECK(shown.find("t0ps3cret") == std::string::npos);
    CHECK(shown.find("rediss://user:***@h:1/2") != std::string::npos);
    CHECK(shown.find("\"token\": \"***\"") != std::string::npos);
    CHECK(shown.find("\"Authorization\": \"***\"") != std::string::npos);
    CHECK(shown.find("\"Accept\": \"x\"") != std::string::npos);
}
