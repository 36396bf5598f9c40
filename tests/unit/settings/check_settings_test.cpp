#include "settings/check_settings.hpp"

#include <doctest/doctest.h>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

/// Loads a text that is fine by itself, and checks the whole. The files there are: here.pem.
std::string check(const std::string& text) {
    Loaded loaded = load(text);
    CHECK(loaded.text() == "");
    check_settings(loaded.settings, loaded.problems,
                   [](const std::string& file) { return file == "here.pem" ? "" : "not there"; });
    return loaded.text();
}

const std::string origin = "origin: http://h\n";

}  // namespace

TEST_CASE("defaults with an origin are fine") { CHECK(check(origin) == ""); }

TEST_CASE(
    "a mistake of the origin is told once, and a missing one only where the file could be read") {
    const std::pair<std::string, std::string> cases[] = {
        {"origin: ftp://h", "f:1:9: error: origin: expected http://"},
        {"origin: ${UNSET}", "f:1:9: error: origin: the environment variable UNSET"},
        {"origin: [a]", "f:1:9: error: origin: expected a URL"},
        {"origin:", "f:1:8: error: origin: expected a URL"},
        {"orign: http://h", "f:1:1: error: orign: unknown key; did you mean origin?"},
        {"origin: {servers: []}", "f:1:19: error: origin.servers: needs one URL"},
        {"origin: {servers: [ftp://h]}", "f:1:20: error: origin.servers[0]: expected http://"},
        {"origin: {server: http://h}",
         "f:1:10: error: origin.server: unknown key; did you mean servers?"},
        {"origin: {}", "f:1:9: error: origin: needs servers"},
        {"origin: {max_connections: 5}", "f:1:9: error: origin: needs servers"},
        {"memory: off\nredis: redis://h", "f:1:1: error: origin: is missing"},
        {"- a", "f:1:1: error: expected a map of settings, not a list"},
        {"a: {", "f:"},
        {"a: 1\n---\nb: 2", "f:2:1: error: expected one YAML document"},
    };
    for (const auto& [text, problem] : cases) {
        CAPTURE(text);
        Loaded loaded = load(text);
        check_settings(loaded.settings, loaded.problems);
        CHECK_MESSAGE(loaded.problems.size() == 1, loaded.text());
        CHECK_MESSAGE(loaded.text().starts_with(problem), loaded.text());
    }
    Problems unreadable;
    const Settings settings = load_settings("no/such/file", unreadable);
    check_settings(settings, unreadable);
    CHECK(unreadable.size() == 1);
}

TEST_CASE("an origin is needed") {
    CHECK(check("").starts_with("f:1:1: error: origin: is missing"));
}

TEST_CASE("an admin that others reach needs a token") {
    for (const std::string address :
         {"0.0.0.0:1", ":1", "'[::]:1'", "10.0.0.1:1", "example.com:1"}) {
        CAPTURE(address);
        const std::string problems = check(origin + "admin: " + address);
        CHECK(problems.starts_with("f:2:8: error: admin: "));
        CHECK(problems.find("is open to the network") != std::string::npos);
        CHECK(check(origin + "admin: {token: t, address: " + address + "}") == "");
    }
    for (const std::string address :
         {"127.0.0.1:1", "127.1.2.3:1", "'[::1]:1'", "localhost:1", "off"}) {
        CAPTURE(address);
        CHECK(check(origin + "admin: " + address) == "");
    }
}

TEST_CASE("an address is listened on once") {
    CHECK(check(origin + "listen: [h:1, h:1]") ==
          "f:2:9: error: listen[1]: h:1 is listened on already\n");
    CHECK(check(origin + "listen: ['[::1]:1', '[0::1]:1']").find("already") != std::string::npos);
    CHECK(check(origin + "listen: [h:0, h:0]") == "");
    CHECK(check(origin + "listen: 127.0.0.1:1\nadmin: 127.0.0.1:1") ==
          "f:3:8: error: admin: 127.0.0.1:1 is in listen already\n");
    CHECK(check(origin + "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0") == "");
}

TEST_CASE("objects that are larger than memory keeps are warned of") {
    const std::string beyond =
        "exceeds three eighths of memory (1536KB): objects that are larger are ";
    CHECK(check(origin + "memory: 4MB\nlimits: {max_object: 2MB}") ==
          "f:3:22: warning: limits.max_object: " + beyond + "not kept\n");
    CHECK(check(origin + "memory: 4MB\nredis: redis://h\nlimits: {max_object: 2MB}") ==
          "f:4:22: warning: limits.max_object: " + beyond + "kept in Redis only\n");
    CHECK(check(origin + "memory: 4MB\nlimits: {max_object: 1536KB}") == "");
    CHECK(check(origin + "memory: 1MB") == "");
    CHECK(check(origin + "memory: 1MB\nredis: redis://h") == "");
    CHECK(load(origin + "memory: 1MB").settings.limits.max_object == 384 * 1024);
    CHECK(load(origin + "memory: 1MB\nredis: redis://h").settings.limits.max_object ==
          8 * 1024 * 1024);
    CHECK(check(origin + "memory: off\nredis: redis://h\nlimits: {max_object: 5MB}") == "");
    const std::string route =
        origin + "memory: 4MB\nroutes:\n- {match: GET /, key: k, max_object: 2MB";
    CHECK(check(route + "}").starts_with("f:4:38: warning: routes[0].max_object: " + beyond));
    CHECK(check(route + ", memory: off}") == "");
}

TEST_CASE("files that are named can be read") {
    CHECK(check(origin +
                "listen: [h:1, {address: h:2, tls: {certificate: here.pem, key: gone.pem}}]") ==
          "f:2:64: error: listen[1].tls.key: cannot read gone.pem: not there\n");
    CHECK(check(origin + "listen: {address: h:2, tls: {certificate: here.pem, key: gone.pem}}") ==
          "f:2:58: error: listen.tls.key: cannot read gone.pem: not there\n");
    const std::string admin = check(origin +
                                    "admin: {address: 127.0.0.1:1, tls: {certificate: here.pem, "
                                    "key: here.pem, client_ca: gone.pem}}");
    CHECK(admin.find("error: admin.tls.client_ca: cannot read gone.pem") != std::string::npos);
    CHECK(check("origin: {servers: https://h, tls: {ca: gone.pem}}") ==
          "f:1:40: error: origin.tls.ca: cannot read gone.pem: not there\n");
    const std::string redis =
        check(origin + "redis: {url: rediss://h, tls: {ca: a, certificate: b, key: c}}");
    for (const std::string key : {"redis.tls.ca", "redis.tls.certificate", "redis.tls.key"})
        CHECK(redis.find(key) != std::string::npos);
    const std::string sentinels =
        check(origin + "redis: {url: 'redis-sentinel://h/m', sentinel_tls: {ca: gone.pem}}");
    CHECK(sentinels.find("redis.sentinel_tls.ca: cannot read gone.pem") != std::string::npos);
    CHECK(can_be_read()("/nonexistent") != "");
    CHECK(can_be_read()("/") == "it is a directory");
    CHECK(can_be_read()(__FILE__) == "");
}

TEST_CASE("what has no effect, or more than one may think, is a warning") {
    const std::pair<std::string, std::string> cases[] = {
        {"redis: {url: redis://h, tls: {verify: off}}", "warning: redis.tls: has no effect"},
        {"redis: {url: redis://h, sentinel_password: x}",
         "warning: redis.sentinel_password: has no effect"},
        {"redis: {url: redis://h, sentinel_tls: on}", "warning: redis.sentinel_tls: has no effect"},
        {"trusted_proxies: [0.0.0.0/0]", "warning: trusted_proxies: believes everybody"},
        {"purge_from: ['::/0']", "warning: purge_from: lets everybody purge"},
        {"listen: {address: h:1, proxy_protocol: on}",
         "warning: listen: proxy_protocol is on, but trusted_proxies"},
        {"memory: off\nroutes: [{match: GET /, key: k}]",
         "warning: memory: is off and there is no redis"},
    };
    for (const auto& [text, problem] : cases) {
        CAPTURE(text);
        CHECK(check(origin + text).find(problem) != std::string::npos);
    }
    CHECK(check("origin: {servers: http://h, tls: {verify: off}}")
              .find("warning: origin.tls: has no") != std::string::npos);
    CHECK(check("origin: {servers: [http://h, http://h:80]}").find("names a server twice") !=
          std::string::npos);
}

TEST_CASE("a number of threads beyond reason is refused") {
    CHECK(check(origin + "threads: 1025") == "f:2:10: error: threads: must not exceed 1024\n");
    CHECK(check(origin + "threads: 1024") == "");
}

TEST_CASE("state must be a directory") {
    CHECK(check(origin + "state: /tmp") == "");
    CHECK(check(origin + "state: /nonexistent") ==
          "f:2:8: error: state: /nonexistent is no directory: create it, or say off\n");
    CHECK(check(origin + "state: /etc/passwd").find("is no directory") != std::string::npos);
}
