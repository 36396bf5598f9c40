#include "route/lint.hpp"

#include <doctest/doctest.h>

#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {
using namespace kit;

settings::Problems lint_of(std::vector<settings::Route> routes) {
    const settings::Settings settings = settings_of(std::move(routes));
    settings::Problems problems;
    const RouteTable table = RouteTable::compile(settings, problems);
    REQUIRE(problems.empty());
    lint(table, settings, problems);
    return problems;
}

// The warnings of that option, as "routes[N]" each, so that a test looks at one lint alone.
std::vector<std::string> routes_warned(const settings::Problems& problems, std::string_view says) {
    std::vector<std::string> out;
    for (const settings::Problem& problem : problems) {
        CHECK(problem.severity == settings::Problem::Severity::warning);
        CHECK(problem.at.line > 0);
        if (problem.message.find(says) != std::string::npos) out.push_back(problem.path);
    }
    return out;
}
using Paths = std::vector<std::string>;

TEST_CASE("the demo has two warnings: nothing purges users and tags") {
    const settings::Problems problems = lint_of(articles());
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].path == "routes[2].match");
    CHECK(problems[0].message.find("/users") != std::string::npos);
    CHECK(problems[1].path == "routes[3].match");
    CHECK(problems[1].message.find("/tags") != std::string::npos);
    CHECK(problems[0].at.line == 30);
}

TEST_CASE("the route syntax of other tools is warned of, with larder's spelling") {
    struct Row {
        const char* match;
        const char* spelled;  // null: no warning
    };
    const Row rows[] = {
        {"GET /articles/:id", "GET /articles/{id}"},
        {"GET /articles/:id(\\d+)/x", "GET /articles/{id}/x"},
        {"GET /articles/:path*", "GET /articles/{path*}"},
        {"GET /articles/<id>", "GET /articles/{id}"},
        {"GET /articles/<int:article_id>", "GET /articles/{article_id}"},
        {"GET /files/<path:name>", "GET /files/{name*}"},
        {"GET /articles/$id", "GET /articles/{id}"},
        {"GET /articles/[slug]", "GET /articles/{slug}"},
        {"GET /articles/[...slug]", "GET /articles/{slug*}"},
        {"GET /static/*", "GET /static/{rest*}"},
        {"GET /static/**", "GET /static/{rest*}"},
        {"GET /a/*/b", "GET /a/{id}/b"},
        {"GET /files/*path", "GET /files/{path*}"},
        {"GET /articles/[0-9]+", "GET /articles/{id}"},
        {"GET /articles/.*", "GET /articles/{rest*}"},
        {"GET /articles/(\\d+)$", "GET /articles/{id}"},
        {"GET /articles/{id}", nullptr},
        {"GET /a.b/$/x:y/~user/@me/a-b_c", nullptr},
        {"GET /odata/Products(1)", nullptr},
        {"GET /articles/42:archive", nullptr},
    };
    for (const Row& row : rows) {
        CAPTURE(row.match);
        const settings::Problems problems = lint_of({pass(row.match)});
        REQUIRE(problems.size() == (row.spelled ? 1 : 0));
        if (!row.spelled) continue;
        CHECK(problems[0].path == "routes[0].match");
        CHECK(problems[0].message.ends_with(std::string(": ") + row.spelled));
    }
    const auto said = [](const settings::Route& route) {
        std::string out;
        for (const settings::Problem& problem : lint_of({route}))
            if (problem.message.find("literally") != std::string::npos)
                out += problem.path + " " + problem.message + "\n";
        return out;
    };
    CHECK(said(read("GET /a/{id}", "a:$id")).find("write {id}") != std::string::npos);
    CHECK(said(read("GET /a/{id}", "a:<id>")).find("write {id}") != std::string::npos);
    CHECK(said(read("GET /a", "a:$arg_limit")).find("write {limit}") != std::string::npos);
    CHECK(said(read("GET /a", "a:$request_uri")).find("write {path}") != std::string::npos);
    CHECK(said(write("PUT /a/{id}", {"a:{id}", "a:%{id}:*"})).find("routes[0].purge[1]") == 0);
    CHECK(said(read("GET /a/{id}", "a:b:{id}$")).empty());
    CHECK(routes_warned(lint_of({pass("ANY /a")}), "name the methods") == Paths{"routes[0].match"});
}

TEST_CASE("a lint names the route by its match") {
    for (const settings::Problem& problem :
         lint_of({read("GET /a/{id}", "a"), read("GET /a/b", "b")})) {
        const bool named = problem.message.starts_with("GET /a/{id}: ") ||
                           problem.message.starts_with("GET /a/b: ");
        CHECK(named);
    }
}

TEST_CASE("a write that changes nothing counts as the answer to how its resource is purged") {
    CHECK(lint_of({read("GET /graphql", "g"), write("POST /graphql", {})}).empty());
}

TEST_CASE("a route that an earlier one leaves nothing is named") {
    const auto shadowed = [](std::vector<settings::Route> routes) {
        return routes_warned(lint_of(std::move(routes)), "never match");
    };
    CHECK(shadowed({pass("GET /a/{id}"), pass("GET /a/b")}) == Paths{"routes[1].match"});
    CHECK(shadowed({pass("GET /a/b"), pass("GET /a/{id}")}).empty());
    CHECK(shadowed({pass("GET /a/{id}"), pass("GET,POST /a/b")}).empty());
    CHECK(shadowed({pass("GET /a/{id}"), pass("POST /a/{id}"), pass("GET,POST /a/b")}) ==
          Paths{"routes[2].match"});
    CHECK(shadowed({pass("GET /a/{id}"), pass("HEAD /a/b")}) == Paths{"routes[1].match"});
    CHECK(shadowed({pass("HEAD /a/{id}"), pass("GET /a/b")}).empty());
    CHECK(shadowed({pass("GET /{x*}"), pass("GET /a/{y*}"), pass("GET /")}) ==
          Paths{"routes[1].match", "routes[2].match"});
    CHECK(shadowed({pass("GET /a/{x*}"), pass("GET /a"), pass("GET /a/"), pass("GET /a/b/c")}) ==
          Paths{"routes[2].match", "routes[3].match"});
    CHECK(shadowed({pass("GET /a/{x}"), pass("GET /a/{y*}")}).empty());
    CHECK(shadowed({on_host(pass("GET /a"), "x.test"), pass("GET /a")}).empty());
    CHECK(shadowed({pass("GET /a"), on_host(pass("GET /a"), "x.test")}) ==
          Paths{"routes[1].match"});
    CHECK(shadowed({pass("PROPFIND /{a}"), pass("PROPFIND /a"), pass("MKCOL /a")}) ==
          Paths{"routes[1].match"});
}

TEST_CASE("a purge that fits no read route's key is named") {
    const settings::Problems problems =
        lint_of({read("GET /a/{id}", "a:{id}"),
                 write("PUT /a/{id}", {"a:{id}", "b:{id}", "a:*", "a:{id}:x", "*", "a:x?y=*"})});
    CHECK(routes_warned(problems, "fits no key") ==
          Paths{"routes[1].purge[1]", "routes[1].purge[3]"});
    CHECK(problems[0].at.column == 14);
}

TEST_CASE("a purge placeholder that looks like a misspelled capture is named") {
    const auto stray = [](std::vector<std::string> purge) {
        return routes_warned(
            lint_of({read("GET /a/{id}", "a:{id}"), write("PUT /a/{id}", std::move(purge))}),
            "not in the path");
    };
    CHECK(stray({"a:{Id}"}) == Paths{"routes[1].purge"});
    CHECK(stray({"a:{Id}", "a:{id}"}).empty());
    CHECK(stray({"a:{Id=1}"}).empty());
    CHECK(stray({"a:*"}).empty());
}

TEST_CASE("a resource counts as purged through any of its routes, by rule or by its own URL") {
    const auto unpurged = [](std::vector<settings::Route> routes) {
        return routes_warned(lint_of(std::move(routes)), "no write purges");
    };
    CHECK(unpurged({read("GET /a", "a"), read("GET /a/{id}", "a:{id}"),
                    write("PUT /a/{id}", {"a:{id}"})})
              .empty());
    CHECK(unpurged({read("GET /a", "a"), read("GET /a/{id}", "a:{id}")}) ==
          Paths{"routes[0].match"});
    CHECK(
        unpurged({read("GET /a/{id}", "a:{id}"), read("GET /b", "b"), write("PUT /a/{id}", {"b"})})
            .empty());
    CHECK(unpurged({read("GET /a/{id}", "a:{id}"), read("GET /b", "b"),
                    write("PUT /b", {"a:{json:/x}"})})
              .empty());
}

TEST_CASE("the route that is suggested for an unpurged resource would purge all of its entries") {
    const auto suggested = [](const char* match, const char* key) {
        const std::string message = lint_of({read(match, key)}).front().message;
        const std::size_t begin = message.find('`');
        return message.substr(begin, message.rfind('`') + 1 - begin);
    };
    CHECK(suggested("GET /a", "a:list:{skip=0}:{limit=20}") ==
          "`match: POST,PUT,PATCH,DELETE /a` with `purge: [\"a:list:*\"]`");
    CHECK(suggested("GET /a/{id}", "a:{id}") ==
          "`match: PUT,PATCH,DELETE /a/{id}` with `purge: [\"a:{id}\"]`");
    CHECK(suggested("GET /a/{id}", "a:{id}:{header:accept-language}") ==
          "`match: PUT,PATCH,DELETE /a/{id}` with `purge: [\"a:{id}:*\"]`");
    CHECK(suggested("GET /{rest*}", "{host}:{rest}") ==
          "`match: PUT,PATCH,DELETE /{rest*}` with `purge: [\"{host}:{rest}\"]`");
}

TEST_CASE("a key that leaves out what its path holds is named") {
    const settings::Problems problems = lint_of(
        {read("GET /a/{x}/{y}", "a:{x}"), read("GET /b/{x}", "b:{path}"), read("GET /c/{x*}", "c"),
         read("GET /d/{x}", "d:{x|sha256}"), write("PUT /{any*}", {"a:*"})});
    CHECK(routes_warned(problems, "share one entry") == Paths{"routes[0].key", "routes[2].key"});
}

TEST_CASE("a ttl of zero is named") {
    settings::Route zero = read("GET /a", "a");
    zero.ttl = std::chrono::seconds(0);
    settings::Route none = read("GET /b", "b");
    none.ttl.reset();
    CHECK(routes_warned(lint_of({zero, none}), "ttl of zero") == Paths{"routes[0].ttl"});
}

TEST_CASE(
    "an ignore that can show one user's response to another is named, one that cannot is not") {
    const auto leaks = [](std::string key, auto change) {
        settings::Route rule = read("GET /a", std::move(key));
        change(rule);
        return routes_warned(lint_of({rule}), "do not ignore it").size();
    };
    using settings::Route;
    CHECK(leaks("a", [](Route& r) { r.ignore.authorization = true; }) == 1);
    CHECK(leaks("a:{header:authorization|sha256}",
                [](Route& r) { r.ignore.authorization = true; }) == 0);
    CHECK(leaks("a", [](Route& r) { r.ignore.cookie = true; }) == 1);
    CHECK(leaks("a:{cookie:s}", [](Route& r) { r.ignore.cookie = true; }) == 0);
    CHECK(leaks("a", [](Route& r) { r.ignore.set_cookie = true; }) == 1);
    CHECK(leaks("a", [](Route& r) {
              r.ignore.set_cookie = true;
              r.strip = {"set-cookie"};
          }) == 0);
    CHECK(leaks("a", [](Route& r) { r.ignore.cache_control = true; }) == 1);
    CHECK(leaks("a:{cookie:s}", [](Route& r) { r.ignore.cache_control = true; }) == 0);
    CHECK(leaks("a", [](Route& r) { r.ignore.vary = true; }) == 0);
    CHECK(leaks("a", [](Route& r) { r.ignore = {true, true, true, true, true, {}}; }) == 4);
}

}  // namespace
}  // namespace larder::route
