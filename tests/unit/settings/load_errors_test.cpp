#include <doctest/doctest.h>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

struct Case {
    std::string text;
    std::string problem;  ///< how the one problem begins
};

void check_each(const std::vector<Case>& cases) {
    for (const auto& [text, problem] : cases) {
        CAPTURE(text);
        const Loaded loaded = load(text);
        CHECK_MESSAGE(loaded.problems.size() == 1, loaded.text());
        CHECK_MESSAGE(loaded.text().starts_with(problem), loaded.text());
    }
}

}  // namespace

TEST_CASE("a key that is not known names the one that was meant") {
    check_each({
        {"memroy: 1MB", "f:1:1: error: memroy: unknown key; did you mean memory?"},
        {"frobnicate: 1",
         "f:1:1: error: frobnicate: unknown key; expected listen, admin, origin, origins, "
         "redis"},
        {"limits:\n  max-object: 1MB",
         "f:2:3: error: limits.max-object: unknown key; did you mean max_object?"},
        {"limits: {${X}: 1}", "f:1:"},
        {"listen: {address: h:1, tsl: {}}",
         "f:1:24: error: listen.tsl: unknown key; did you mean tls?"},
        {"listen: [{address: h:1, tls: {certificate: a, key: b, keys: c}}]",
         "f:1:55: error: listen[0].tls.keys: unknown"},
        {"admin: {tokn: x}", "f:1:9: error: admin.tokn: unknown key; did you mean token?"},
        {"origin: {server: http://h}",
         "f:1:10: error: origin.server: unknown key; did you mean servers?"},
        {"origin: {health: {path: /, paht: /}}",
         "f:1:28: error: origin.health.paht: unknown key; did you mean path?"},
        {"origin: {tls: {verfy: on}}",
         "f:1:16: error: origin.tls.verfy: unknown key; did you mean verify?"},
        {"redis: {url: redis://h, timeuot: 1s}",
         "f:1:25: error: redis.timeuot: unknown key; did you mean timeout?"},
        {"redis: {url: redis://h, tls: {cert: x}}", "f:1:31: error: redis.tls.cert: unknown key"},
        {"log: {levle: info}", "f:1:7: error: log.levle: unknown key; did you mean level?"},
        {"headers: {x-cache: on}",
         "f:1:11: error: headers.x-cache: unknown key; did you mean x_cache?"},
        {"routes: [{match: GET /, key: k, tttl: 1}]",
         "f:1:33: error: routes[0].tttl: unknown key; did you mean ttl?"},
        {"examples: [{request: GET /, key: k, purge: 1}]",
         "f:1:37: error: examples[0].purge: unknown key; did you mean purges?"},
        {"[a]: 1", "f:1:1: error: a key must be a plain word"},
    });
}

TEST_CASE("a key given twice names both lines") {
    check_each({
        {"memory: 1MB\nmemory: 2MB",
         "f:2:1: error: memory: given a second time; the first is in line 1"},
        {"limits:\n  connections: 1\n  connections: 2",
         "f:3:3: error: limits.connections: given a second time"},
        {"routes:\n- match: GET /\n  key: k\n  key: l",
         "f:4:3: error: routes[0].key: given a second time"},
        {"routes: [{match: GET /, key: k, status_ttl: {404: 1s, 404: 2s}}]",
         "f:1:55: error: routes[0].status_ttl.404: given a second time"},
    });
}

TEST_CASE("a value of the wrong shape says what was expected and what is there") {
    check_each({
        {"just text", "f:1:1: error: expected a map of settings, not a single value"},
        {"- a", "f:1:1: error: expected a map of settings, not a list"},
        {"listen: []", "f:1:9: error: listen: needs one address at least"},
        {"listen:", "f:1:8: error: listen: expected an address"},
        {"listen: [[h:1]]", "f:1:10: error: listen[0]: expected an address"},
        {"listen: {proxy_protocol: on}", "f:1:9: error: listen: needs an address"},
        {"listen: {address: h:1, tls: c.pem}",
         "f:1:29: error: listen.tls: expected a map of certificate, key and client_ca, not a "
         "single"},
        {"admin: [h:1]",
         "f:1:8: error: admin: expected an address, a map of address and token, or off, not a "
         "list"},
        {"origin: []",
         "f:1:9: error: origin: expected a URL such as http://127.0.0.1:8000, not a list"},
        {"origin: {servers: []}", "f:1:19: error: origin.servers: needs one URL at least"},
        {"origin: {health: /up}", "f:1:18: error: origin.health: expected a map"},
        {"redis:",
         "f:1:7: error: redis: expected a URL such as redis://127.0.0.1:6379/0, a map, or off, not "
         "nothing"},
        {"redis: {timeout: 1s}", "f:1:8: error: redis: needs a url"},
        {"memory: {size: 1}",
         "f:1:9: error: memory: expected a size such as 256MB, or off, not a map"},
        {"limits: 5", "f:1:9: error: limits: expected a map, not a single value"},
        {"threads: [1]",
         "f:1:10: error: threads: expected a whole number from 1 to 1000000, or auto, not a list"},
        {"trusted_proxies: {a: b}", "f:1:18: error: trusted_proxies: expected a network"},
        {"routes: {a: b}", "f:1:9: error: routes: expected a list of routes, not a map"},
        {"routes: [a]", "f:1:10: error: routes[0]: expected a map with match"},
        {"examples: a", "f:1:11: error: examples: expected a list of examples"},
    });
}

TEST_CASE("a value that is not of its form says which forms there are") {
    check_each({
        {"listen: 8080",
         "f:1:9: error: listen: expected an address such as 127.0.0.1:8080, [::1]:8080, :8080 or "
         "unix:/run/larder.sock, not \"8080\""},
        {"listen: [h:1, h:70000]", "f:1:15: error: listen[1]: expected an address"},
        {"listen: {address: h:1, proxy_protocol: 2}",
         "f:1:40: error: listen.proxy_protocol: expected on or off, not \"2\""},
        {"listen: {address: h:1, tls: {key: k}}",
         "f:1:29: error: listen.tls: needs a certificate, and its key"},
        {"listen: {address: h:1, tls: {key: k, certificate: ''}}",
         "f:1:51: error: listen.tls.certificate: must not be empty"},
        {"admin: on", "f:1:8: error: admin: expected an address"},
        {"admin: {address: off}", "f:1:18: error: admin.address: expected an address"},
        {"origin: h:80",
         "f:1:9: error: origin: expected http://host:port, https://host:port or "
         "http+unix:///path"},
        {"origin: {servers: [http://h/v1]}",
         "f:1:20: error: origin.servers[0]: an origin's URL ends with its port"},
        {"origin: {balance: random}",
         "f:1:19: error: origin.balance: expected round_robin or least_connections, not "
         "\"random\""},
        {"origin: {max_connections: 0}",
         "f:1:27: error: origin.max_connections: expected a whole number"},
        {"origin: {connect_timeout: 0}",
         "f:1:27: error: origin.connect_timeout: must be longer than zero"},
        {"origin: {resolve: 0}", "f:1:19: error: origin.resolve: must be longer than zero"},
        {"origin: {idle_timeout: -1s}",
         "f:1:24: error: origin.idle_timeout: expected a duration such as 250ms"},
        {"origin: {host: 'a b'}",
         "f:1:16: error: origin.host: expected preserve, or a host name, not \"a b\""},
        {"origin: {health: {interval: 1s}}",
         "f:1:18: error: origin.health: needs a path to ask for"},
        {"origin: {health: {path: up}}",
         "f:1:25: error: origin.health.path: expected a path such as /health"},
        {"origin: {health: {path: /, healthy: 0}}",
         "f:1:37: error: origin.health.healthy: expected a whole number"},
        {"redis: h:6379", "f:1:8: error: redis: expected redis://"},
        {"redis: redis-cluster://h:1,h:2/1",
         "f:1:8: error: redis: a Redis Cluster has database 0 only"},
        {"redis: {url: redis-cluster://u:p@}",
         "f:1:14: error: redis.url: expected host:port after the scheme"},
        {"redis: on", "f:1:8: error: redis: expected redis://"},
        {"redis: {url: redis://h, max_connections: -1}",
         "f:1:42: error: redis.max_connections: expected a whole number"},
        {"redis: {url: redis://h, prefix: 'larder:x'}",
         "f:1:33: error: redis.prefix: must not start with larder:"},
        {"redis: {url: redis://h, on_purge_failure: retry}",
         "f:1:43: error: redis.on_purge_failure: expected pass or fail"},
        {"redis: {url: redis://h, tls: {key: k}}",
         "f:1:30: error: redis.tls: needs both certificate and key, or neither"},
        {"memory: lots",
         "f:1:9: error: memory: expected a size such as 256MB, or off, not \"lots\""},
        {"memory: 99999999999GB", "f:1:9: error: memory: expected a size"},
        {"memory: -1", "f:1:9: error: memory: expected a size"},
        {"threads: 0",
         "f:1:10: error: threads: expected a whole number from 1 to 1000000, or auto, not \"0\""},
        {"threads: 1.5", "f:1:10: error: threads: expected a whole number"},
        {"threads: 18446744073709551617", "f:1:10: error: threads: expected a whole number"},
        {"limits: {header_bytes: 0}",
         "f:1:24: error: limits.header_bytes: must be larger than zero"},
        {"limits: {header_bytes: 1GB}", "f:1:24: error: limits.header_bytes: must not exceed 16MB"},
        {"limits: {body_timeout: 10 parsecs}",
         "f:1:24: error: limits.body_timeout: expected a duration such as 250ms, 60s, "
         "5m, 1h or 7d, not \"10 parsecs\""},
        {"limits: {header_timeout: 99999999999999999999}",
         "f:1:26: error: limits.header_timeout: expected a duration"},
        {"trusted_proxies: [10.0.0.0/8, 10.0.0.0/40]",
         "f:1:31: error: trusted_proxies[1]: expected a network such as 10.0.0.0/8"},
        {"purge_from: [10.0.0.1/8]",
         "f:1:14: warning: purge_from[0]: has bits beyond its prefix; taken as 10.0.0.0/8"},
        {"log: {level: loud}", "f:1:14: error: log.level: expected trace, debug"},
        {"log: {format: xml}", "f:1:15: error: log.format: expected text or json, not \"xml\""},
        {"log: {access: some}",
         "f:1:15: error: log.access: expected on, off or errors, not \"some\""},
        {"headers: {via: perhaps}",
         "f:1:16: error: headers.via: expected on or off, not \"perhaps\""},
        {"origin: http://${H}", "f:1:9: error: origin: the environment variable H is not set"},
        {"memory: ${", "f:1:9: error: memory: a ${ without its }"},
    });
}

TEST_CASE("a route is of one kind and has the options of its kind") {
    check_each({
        {"routes:\n- key: k", "f:2:3: error: routes[0]: needs a match"},
        {"routes:\n- match: GET /",
         "f:2:3: error: routes[0]: needs key (to cache), purge (for writes), or cache: off"},
        {"routes:\n- match: GET /\n  key: k\n  purge: [a]", "f:2:3: error: routes[0]: mixes kinds"},
        {"routes:\n- match: GET /\n  key: k\n  cache: off", "f:2:3: error: routes[0]: mixes kinds"},
        {"routes:\n- match: GET /\n  cache: on", "f:3:10: error: routes[0].cache: expected off"},
        {"routes:\n- match: GET /\n  cache: off\n  ttl: 1",
         "f:4:3: error: routes[0].ttl: only a route with a key takes this"},
        {"routes:\n- match: PUT /\n  purge: [a]\n  tags: [b]",
         "f:4:3: error: routes[0].tags: only a route with a key"},
        {"routes:\n- match: PUT /\n  purge: [a, '']",
         "f:3:14: error: routes[0].purge[1]: must not be empty"},
        {"routes:\n- match: PUT /\n  purge:",
         "f:3:9: error: routes[0].purge: needs a key or pattern, or an empty list ([])"},
        {"routes:\n- match: GET /\n  key: ''", "f:3:8: error: routes[0].key: must not be empty"},
        {"routes:\n- mach: GET /\n  key: k",
         "f:2:3: error: routes[0].mach: unknown key; did you mean match?"},
        {"routes:\n- match: GET /\n  kay: k",
         "f:3:3: error: routes[0].kay: unknown key; did you mean key?"},
        {"routes:\n- {match: GET /, cache: off, host: 'a b'}",
         "f:2:36: error: routes[0].host: expected a host such as api.example.com or "
         "api.example.com:8080, or *.example.com for every host below it"},
        {"routes:\n- {match: GET /, cache: off, host: 'http://a'}",
         "f:2:36: error: routes[0].host: expected a host"},
        {"routes:\n- {match: GET /, cache: off, host: 'a:0'}",
         "f:2:36: error: routes[0].host: expected a host"},
        {"routes:\n- {match: GET /, cache: off, host: 1.2.3.400}",
         "f:2:36: error: routes[0].host: expected a host"},
        {"routes:\n- {match: GET /, cache: off, host: 'a.*.example'}",
         "f:2:36: error: routes[0].host: expected a host"},
        {"routes:\n- {match: GET /, cache: off, host: '*'}",
         "f:2:36: error: routes[0].host: expected a host"},
        {"origins: {a b: http://h}",
         "f:1:11: error: origins.a b: an origin's name is made of letters"},
        {"origin: {ejection: on}", "f:1:20: error: origin.ejection: expected a map of failures"},
        {"origin: {tls: {certificate: a}}",
         "f:1:15: error: origin.tls: needs both certificate and key, or neither"},
        {"origin: http+unix://run/a.sock", "f:1:9: error: origin: expected http+unix:///path"},
        {"listen: unix:a.sock", "f:1:9: error: listen: expected an address"},
        {"compress: [lzma]", "f:1:12: error: compress[0]: expected zstd, br or gzip, not \"lzma\""},
        {"compress: [br, br]", "f:1:16: error: compress[1]: is named twice"},
        {"compress: on", "f:1:11: error: compress: expected zstd, br or gzip"},
        {"routes:\n- {match: GET /, key: a, refresh_ahead: 100%}",
         "f:2:41: error: routes[0].refresh_ahead: must be less than 100%"},
        {"routes:\n- {match: GET /, key: a, settle: 2s}",
         "f:2:26: error: routes[0].settle: only a route with purge takes this"},
        {"routes:\n- {match: GET /, cache: off, jitter: 1%}",
         "f:2:30: error: routes[0].jitter: only a route with a key takes this"},
        {"routes:\n- match: [GET, /]\n  key: k",
         "f:2:10: error: routes[0].match: expected text, not a list"},
    });
}

TEST_CASE("a read route's options are checked") {
    const auto route = [](const std::string& options) {
        return "routes:\n- match: GET /\n  key: k\n  " + options;
    };
    const std::pair<std::string, std::string> cases[] = {
        {"ttl: 0.5ms", "f:4:8: error: routes[0].ttl: expected a duration"},
        {"ttl: -1", "f:4:8: error: routes[0].ttl: expected a duration"},
        {"ttl: forever", "f:4:8: error: routes[0].ttl: expected a duration"},
        {"heuristic: 0.1", "f:4:14: error: routes[0].heuristic: expected a percentage such as 10%"},
        {"heuristic: 110%", "f:4:14: error: routes[0].heuristic: expected a percentage"},
        {"mode: light", "f:4:9: error: routes[0].mode: expected shadow, not \"light\""},
        {"stale_if_error: x", "f:4:19: error: routes[0].stale_if_error: expected a duration"},
        {"status_ttl: 10s",
         "f:4:15: error: routes[0].status_ttl: expected a map such as {404: 10s}"},
        {"status_ttl: {4xx: 10s}",
         "f:4:16: error: routes[0].status_ttl.4xx: expected a status from 200 to 599"},
        {"status_ttl: {100: 10s}", "f:4:16: error: routes[0].status_ttl.100: expected a status"},
        {"status_ttl: {304: 10s}",
         "f:4:16: error: routes[0].status_ttl.304: a 304 is part of another response"},
        {"status_ttl: {404: x}", "f:4:21: error: routes[0].status_ttl.404: expected a duration"},
        {"ignore: [etag]",
         "f:4:12: error: routes[0].ignore[0]: expected cache-control, set-cookie, cookie, "
         "authorization, vary, or one of"},
        {"strip: [a, 'a b']",
         "f:4:14: error: routes[0].strip[1]: expected the name of a header field, not \"a b\""},
        {"strip: a b",
         "f:4:10: error: routes[0].strip: expected the name of a header field, not \"a b\""},
        {"strip: [a, Content-Length]",
         "f:4:14: error: routes[0].strip[1]: content-length belongs to the message itself"},
        {"query: drop", "f:4:10: error: routes[0].query: expected bypass, not \"drop\""},
        {"max_object: 0", "f:4:15: error: routes[0].max_object: must be larger than zero"},
        {"memory: 64MB", "f:4:11: error: routes[0].memory: expected on or off"},
        {"client_no_cache: obey", "f:4:20: error: routes[0].client_no_cache: expected honour"},
        {"wait: long", "f:4:9: error: routes[0].wait: expected a duration"},
        {"name: ''", "f:4:9: error: routes[0].name: must not be empty"},
        {"tags: [[a]]", "f:4:10: error: routes[0].tags[0]: expected text, not a list"},
    };
    for (const auto& [options, problem] : cases) {
        CAPTURE(options);
        const Loaded loaded = load(route(options));
        CHECK_MESSAGE(loaded.problems.size() == 1, loaded.text());
        CHECK_MESSAGE(loaded.text().starts_with(problem), loaded.text());
    }
}

TEST_CASE("an example needs a request and one kind of expectation") {
    check_each({
        {"examples:\n- key: k", "f:2:3: error: examples[0]: needs a request"},
        {"examples:\n- request: GET /", "f:2:3: error: examples[0]: expects nothing"},
        {"examples:\n- {request: GET /, key: k, purges: [k]}",
         "f:2:3: error: examples[0]: mixes kinds"},
        {"examples:\n- {request: GET /, cache: on}",
         "f:2:27: error: examples[0].cache: expected off"},
        {"examples:\n- {request: GET /, key: k, headers: [a]}",
         "f:2:37: error: examples[0].headers: expected a map"},
    });
}

TEST_CASE("all faults are told, in the order of the file") {
    const Loaded loaded = load(R"(memory: lots
limits:
  connections: many
  colour: red
origin: nowhere
routes:
  - match: GET /
    ttl: soon
)");
    const auto lines = loaded.lines();
    REQUIRE_MESSAGE(lines.size() == 6, loaded.text());
    CHECK(lines[0].starts_with("f:1:9: error: memory:"));
    CHECK(lines[1].starts_with("f:3:16: error: limits.connections:"));
    CHECK(lines[2].starts_with("f:4:3: error: limits.colour:"));
    CHECK(lines[3].starts_with("f:5:9: error: origin:"));
    CHECK(lines[4].starts_with("f:7:5: error: routes[0]: needs key"));
    CHECK(lines[5].starts_with("f:8:10: error: routes[0].ttl: expected a duration"));
}

TEST_CASE("secrets do not get into messages") {
    const Loaded loaded = load("redis: redis://u:s3cret@h:x\nadmin: {token: [s3cret]}", {});
    CHECK(loaded.problems.size() == 2);
    CHECK(loaded.text().find("s3cret") == std::string::npos);
}
