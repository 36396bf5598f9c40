#include <doctest/doctest.h>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

Route load_route(const std::string& options) {
    const Loaded loaded = load("routes:\n  - {match: GET /a, " + options + "}\n");
    CHECK(loaded.text() == "");
    REQUIRE(loaded.settings.routes.size() == 1);
    return loaded.settings.routes[0];
}

Route load_read(const std::string& options) { return load_route("key: k, " + options); }

}  // namespace

TEST_CASE("a route is a read, a write or a pass") {
    CHECK(load_route("key: k").kind == RouteKind::read);
    CHECK(load_route("purge: [a, 'b:*']").kind == RouteKind::write);
    CHECK(load_route("purge: [a, 'b:*']").purge == std::vector<std::string>{"a", "b:*"});
    CHECK(load_route("purge: a").purge == std::vector<std::string>{"a"});
    CHECK(load_route("cache: off").kind == RouteKind::pass);
}

TEST_CASE("a route's strings are carried as they are, with their positions") {
    const Loaded loaded = load(R"(routes:
  - match: GET,HEAD /articles/{id}
    host: example.com
    name: article
    key: articles:{id=$${x}|sha256}
    ttl: 5m
    tags: ["author:{response:x-author}"]
    ignore: [vary]
  - match: POST /a
    purge:
      - a
      - "b:{json:/c}"
)");
    CHECK(loaded.text() == "");
    REQUIRE(loaded.settings.routes.size() == 2);
    const Route& read = loaded.settings.routes[0];
    CHECK(read.at.line == 2);
    CHECK(read.at.column == 5);
    CHECK(read.match == "GET,HEAD /articles/{id}");
    CHECK(read.match_at.column == 12);
    CHECK(read.host == "example.com");
    CHECK(read.name == "article");
    CHECK(read.key == "articles:{id=${x}|sha256}");
    CHECK(read.key_at.line == 5);
    CHECK(read.ttl == 300s);
    CHECK(read.ttl_at.line == 6);
    CHECK(read.tags == std::vector<std::string>{"author:{response:x-author}"});
    CHECK(read.tags_at.at(0).line == 7);
    CHECK(read.ignore.vary);
    CHECK(read.ignore_at.line == 8);
    const Route& write = loaded.settings.routes[1];
    CHECK(write.purge == std::vector<std::string>{"a", "b:{json:/c}"});
    REQUIRE(write.purge_at.size() == 2);
    CHECK(write.purge_at[1].line == 12);
    CHECK(write.purge_at[1].column == 9);
}

TEST_CASE("a read route's options have defaults") {
    const Route route = load_route("key: k");
    CHECK_FALSE(route.ttl.has_value());
    CHECK(route.heuristic == 0);
    CHECK_FALSE(route.shadow);
    CHECK_FALSE(route.stale_while_revalidate.has_value());
    CHECK_FALSE(route.max_object.has_value());
    CHECK(route.memory);
    CHECK_FALSE(route.query_bypass);
    CHECK_FALSE(route.honour_client_no_cache);
    CHECK(route.wait == 5s);
}

TEST_CASE("every option of a read route") {
    CHECK(load_read("ttl: 0").ttl == 0s);
    CHECK(load_read("ttl: 60").ttl == 60s);
    CHECK(load_read("heuristic: 10%").heuristic == doctest::Approx(0.1));
    CHECK(load_read("mode: shadow").shadow);
    CHECK(load_read("stale_while_revalidate: 1m").stale_while_revalidate == 60s);
    CHECK(load_read("stale_if_error: 1h").stale_if_error == 3600s);
    for (const std::string host : {"a", "API.example.com", "a_b-c.d:8080", "127.0.0.1",
                                   "'[::1]:80'", "'[::1]'", "xn--bcher-kva.example"}) {
        CAPTURE(host);
        CHECK_FALSE(load_read("host: " + host).host.empty());
    }
    CHECK(load_read("ttl: 500ms").ttl == 500ms);
    CHECK(load_read("stale_while_revalidate: 1.5s").stale_while_revalidate == 1500ms);
    CHECK(load_read("stale_if_error: 250ms").stale_if_error == 250ms);
    CHECK(load_read("status_ttl: {404: 500ms}").status_ttl.at(0).ttl == 500ms);
    CHECK(load_read("strip: [Set-Cookie]").strip == std::vector<std::string>{"set-cookie"});
    CHECK(load_read("ignore_query: [utm_*, fbclid]").ignore_query ==
          std::vector<std::string>{"utm_*", "fbclid"});
    CHECK(load_read("query: bypass").query_bypass);
    CHECK(load_read("max_object: 1MB").max_object == 1024 * 1024);
    CHECK_FALSE(load_read("memory: off").memory);
    CHECK(load_read("client_no_cache: honour").honour_client_no_cache);
    CHECK(load_read("wait: 250ms").wait == 250ms);
    CHECK(load_read("wait: 0").wait == 0ms);
    const auto status_ttl = load_read("status_ttl: {404: 10s, 410: 1h}").status_ttl;
    REQUIRE(status_ttl.size() == 2);
    CHECK(status_ttl[0].status == 404);
    CHECK(status_ttl[0].ttl == 10s);
    CHECK(status_ttl[1].ttl == 3600s);
    const Ignore all =
        load_read("ignore: [Cache-Control, set-cookie, cookie, authorization, vary]").ignore;
    CHECK(all.cache_control);
    CHECK(all.set_cookie);
    CHECK(all.cookie);
    CHECK(all.authorization);
    CHECK(all.vary);
    CHECK(load_read("ignore: [X-API-Key]").ignore.credentials ==
          std::vector<std::string>{"x-api-key"});
    CHECK_FALSE(load_read("ignore: vary").ignore.cookie);
}

TEST_CASE("routes may share options by alias and merge key") {
    const Loaded loaded = load(R"(routes:
  - &first {match: GET /a, key: a, ttl: 60s}
  - {<<: *first, match: GET /b, key: b}
)");
    CHECK(loaded.text() == "");
    CHECK(loaded.settings.routes.at(1).match == "GET /b");
    CHECK(loaded.settings.routes.at(1).ttl == 60s);
}

TEST_CASE("examples say what to expect of a request") {
    const Loaded loaded = load(R"(examples:
  - {request: GET /a, headers: {Accept: "*/*", X-A: b}, key: k, ttl: 60s}
  - {request: PUT /a, purges: [k, "l:*"]}
  - {request: GET /h, cache: off}
  - {request: PUT /b, purges: []}
)");
    CHECK(loaded.text() == "");
    const auto& examples = loaded.settings.examples;
    REQUIRE(examples.size() == 4);
    CHECK(examples[0].at.line == 2);
    CHECK(examples[0].request == "GET /a");
    REQUIRE(examples[0].headers.size() == 2);
    CHECK(examples[0].headers[1].first == "X-A");
    CHECK(examples[0].headers[1].second == "b");
    CHECK(examples[0].key == "k");
    CHECK(examples[0].ttl == 60s);
    CHECK_FALSE(examples[0].purges.has_value());
    CHECK(examples[1].purges == std::vector<std::string>{"k", "l:*"});
    CHECK(examples[2].cache_off);
    REQUIRE(examples[3].purges.has_value());
    CHECK(examples[3].purges->empty());
}
