#include "route/origin_path.hpp"

#include <doctest/doctest.h>

#include "route/path_rule.hpp"
#include "unit/route/table_kit.hpp"

using namespace larder;
using namespace larder::route;
using namespace larder::route::kit;

namespace {

settings::Route sent_to(settings::Route rule, std::string origin_path) {
    rule.origin_path = std::move(origin_path);
    return rule;
}

std::string target_of(const RouteTable& table, std::string_view line) {
    const OfflineRequest asked = request(line);
    const Match found = match(table, asked);
    REQUIRE(found.route);
    std::string out;
    found.route->origin_path.append_target(found.captures, asked.head(), out);
    return out;
}

std::vector<std::string> clients_of(const RouteTable& table, std::string_view line,
                                    std::string_view origin_target) {
    return table.client_targets(match(table, request(line)), origin_target);
}

bool leaves(const RouteTable& table, std::string_view line) {
    const OfflineRequest asked = request(line);  // the captures are views into it
    const Match found = match(table, asked);
    return found.route->origin_path.is_left_by(found.captures);
}

std::string fault_of(std::string match, std::string origin_path) {
    settings::Problems problems;
    const auto table = RouteTable::compile(
        settings_of({sent_to(pass(std::move(match)), std::move(origin_path))}), problems);
    return problems.empty() ? "" : problems.front().path + ": " + problems.front().message;
}

}  // namespace

TEST_CASE("the origin is asked for the route's origin_path, with the request's values and query") {
    const RouteTable table =
        table_of({sent_to(pass("* /api/{rest*}"), "/v2/{rest}"),
                  sent_to(pass("GET /u/{id}/posts/{post}"), "/p/{post}/of/{id}"),
                  sent_to(pass("GET /fixed/{id}"), "/all")});
    CHECK(target_of(table, "GET /api/a/b?x=1") == "/v2/a/b?x=1");
    CHECK(target_of(table, "GET /api/a%2Fb") == "/v2/a%2Fb");
    CHECK(target_of(table, "GET /api/?") == "/v2/?");
    CHECK(target_of(table, "GET /u/7/posts/9") == "/p/9/of/7");
    CHECK(target_of(table, "GET /fixed/7") == "/all");
}

TEST_CASE("a path whose values hold dot segments would leave its place") {
    const RouteTable table = table_of({sent_to(pass("* /api/{rest*}"), "/v2/{rest}")});
    CHECK(leaves(table, "GET /api/../x"));
    CHECK(leaves(table, "GET /api/a/%2e%2E"));
    CHECK(leaves(table, "GET /api/a/.;p=1/b"));
    CHECK(leaves(table, "GET /api/a%2f..%2fb"));
    CHECK(leaves(table, "GET /api/a%5c..%5cb"));
    CHECK_FALSE(leaves(table, "GET /api/a..b/...;x/.c"));
}

TEST_CASE("what the origin names is mapped back to what clients ask for") {
    const RouteTable table =
        table_of({sent_to(read("GET /api/users/{id}", "u:{id}"), "/v2/people/{id}"),
                  sent_to(write("PUT /api/{rest*}", {}), "/v2/{rest}"),
                  sent_to(read("GET /t/{tenant}/list", "t:{tenant}"), "/list")});
    CHECK(clients_of(table, "PUT /api/x", "/v2/people/7?q=1") ==
          std::vector<std::string>{"/api/users/7?q=1", "/api/people/7?q=1"});
    CHECK(clients_of(table, "PUT /api/x", "/v3/people/7").empty());
    // A value that only the route's own path has is known of a request under it.
    CHECK(clients_of(table, "PUT /api/x", "/list").empty());
    CHECK(clients_of(table, "GET /t/acme/list", "/list") ==
          std::vector<std::string>{"/t/acme/list"});
}

TEST_CASE("a wrong origin_path is refused with its reason") {
    CHECK(fault_of("GET /a", "v2") ==
          "routes[0].origin_path: must begin with '/', such as /v2/{rest}");
    CHECK(fault_of("GET /a/{x}", "/v2/{y}").find("{y} is no placeholder") != std::string::npos);
    CHECK(fault_of("GET /a/{x}", "/v2/a{x}").find("a whole segment") != std::string::npos);
    CHECK(fault_of("GET /a/{x*}", "/v2/{x}/b").find("so it comes last") != std::string::npos);
    CHECK(fault_of("GET /a", "/v2?x=1").find("query stays") != std::string::npos);
}

TEST_CASE("a wildcard host takes one label or more") {
    CHECK(host_takes("*.example.com", "a.example.com"));
    CHECK(host_takes("*.example.com", "A.B.Example.COM:8080"));
    CHECK_FALSE(host_takes("*.example.com", "example.com"));
    CHECK_FALSE(host_takes("*.example.com", ".example.com"));
    CHECK_FALSE(host_takes("*.example.com", "aexample.com"));
    CHECK_FALSE(host_takes("*.example.com", "a.example.com.evil"));
    CHECK(host_takes("*.example.com:81", "a.example.com:81"));
    CHECK_FALSE(host_takes("*.example.com:81", "a.example.com"));
}

TEST_CASE("the hosts of a wildcard stay apart, and routes of other origins too") {
    settings::Route other = sent_to(on_host(read("GET /a", "a"), "x.test"), "/b");
    const RouteTable table =
        table_of({on_host(read("GET /w", "w"), "*.example.com"), other, read("GET /a", "a")});
    CHECK_FALSE(table.routes()[0]->key_has_host);
    CHECK(table.routes()[1]->sharing != table.routes()[2]->sharing);
}

TEST_CASE("\"*\" is every method, of whatever name") {
    const RouteTable table = table_of({pass("* /raw")});
    for (const char* line : {"GET /raw", "DELETE /raw", "BREW /raw", "QUERY /raw"})
        CHECK(taken_by(table, line) == 0);
    settings::Problems problems;
    RouteTable::compile(settings_of({read("* /a", "a")}), problems);
    CHECK(problems.size() == 1);
}
