#include <doctest/doctest.h>

#include <random>

#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {
using namespace kit;

struct Row {
    const char* line;
    int route;
};

void check_rows(const RouteTable& table, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        CHECK(taken_by(table, row.line) == row.route);
    }
}

TEST_CASE("a request falls under the first route of the file that takes its method and path") {
    const RouteTable table =
        table_of({read("GET /articles/featured", "featured"), pass("GET /articles/private"),
                  read("GET /articles/{id}", "articles:{id}"), read("GET /articles", "list"),
                  write("PUT,PATCH /articles/{id}", {"articles:{id}"}),
                  pass("GET,POST /{any}/{other}"), read("GET /files/{rest*}", "files:{rest}"),
                  pass("PROPFIND /articles/{id}"), pass("DELETE /{all*}")});
    check_rows(table, {{"GET /articles/featured", 0},
                       {"HEAD /articles/featured", 0},
                       {"GET /articles/private", 1},
                       {"GET /articles/42", 2},
                       {"HEAD /articles/42", 2},
                       {"GET /articles/42?x=/y", 2},
                       {"GET /articles", 3},
                       {"GET /articles?a=b", 3},
                       {"PUT /articles/42", 4},
                       {"PATCH /articles/featured", 4},
                       {"POST /articles/42", 5},
                       {"GET /x/y", 5},
                       {"GET /files/a", 5},
                       {"GET /files/a/b", 6},
                       {"GET /files/", 6},
                       {"GET /files", -1},
                       {"GET /files/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z", 6},
                       {"PROPFIND /articles/1", 7},
                       {"MKCOL /articles/1", -1},
                       {"DELETE /", 8},
                       {"DELETE /a/b/c", 8},
                       {"GET /", -1},
                       {"OPTIONS /articles/42", -1},
                       {"get /articles/42", -1},
                       {"GET /articles/42/", -1},
                       {"GET /articles/", -1},
                       {"GET //articles/42", -1},
                       {"GET /Articles/42", 5}});
    CHECK(table.match(http::Method::get, "GET", "", "*").route == nullptr);
    CHECK(table.match(http::Method::get, "GET", "", "").route == nullptr);
}

TEST_CASE("literals compare decoded, and an encoded slash never separates segments") {
    const RouteTable table = table_of(
        {read("GET /articles/{id}", "a:{id}"), read("GET /a%20b/c", "space"),
         read("GET /caf\xC3\xA9", "cafe"), read("GET /x%2Fy", "slash"), read("GET /x/y", "xy"),
         read("GET /100%25", "percent"), read("GET /a+b", "plus")});
    check_rows(table, {{"GET /%61rticles/42", 0},
                       {"GET /%61%72%74%69%63%6c%65%73/42", 0},
                       {"GET /%2561rticles/42", -1},
                       {"GET /articles%2F42", -1},
                       {"GET /articles/4%2F2", 0},
                       {"GET /articles/..", 0},
                       {"GET /x/../articles/42", -1},
                       {"GET /a%20b/c", 1},
                       {"GET /a%20b/%63", 1},
                       {"GET /a+b/c", -1},
                       {"GET /caf%C3%A9", 2},
                       {"GET /caf%c3%a9", 2},
                       {"GET /x%2Fy", 3},
                       {"GET /x%2fy", 3},
                       {"GET /x/y", 4},
                       {"GET /100%25", 5},
                       {"GET /100%", -1},
                       {"GET /100%2525", -1},
                       {"GET /a+b", 6},
                       {"GET /a%2Bb", 6},
                       {"GET /a%20b", -1},
                       {"GET /articles%", -1},
                       {"GET /articles%0", -1}});
}

TEST_CASE("captures are raw pieces of the path in the order of the pattern") {
    const RouteTable table = table_of({pass("GET /a/{x}/b/{y}/{rest*}"), pass("GET /a/{x}/c/{z}")});
    const OfflineRequest asked = request("GET /a/1%2F2/b/%C3/4/5/?q");
    const Match found = match(table, asked);
    REQUIRE(found.route);
    REQUIRE(found.captures.count == 3);
    CHECK(found.captures.values[0] == "1%2F2");
    CHECK(found.captures.values[1] == "%C3");
    CHECK(found.captures.values[2] == "4/5/");
    const OfflineRequest second = request("GET /a/1/c/2");
    const Match other = match(table, second);
    REQUIRE(other.captures.count == 2);
    CHECK(other.captures.values[1] == "2");
}

TEST_CASE(
    "a route with a host takes that host only, whatever its case, and its port only where the rule "
    "names one") {
    const RouteTable table =
        table_of({on_host(read("GET /x", "one"), "one.test"),
                  on_host(read("GET /x", "ported"), "two.test:81"),
                  on_host(read("GET /x", "six"), "[::1]"), read("GET /y", "y")});
    const auto taken = [&](std::string_view host, std::string_view path) {
        const Match found = table.match(http::Method::get, "GET", host, path);
        return found.route ? static_cast<int>(found.route->index) : -1;
    };
    CHECK(taken("one.test", "/x") == 0);
    CHECK(taken("ONE.Test", "/x") == 0);
    CHECK(taken("one.test:8080", "/x") == 0);
    CHECK(taken("one.tes", "/x") == -1);
    CHECK(taken("two.test", "/x") == -1);
    CHECK(taken("two.test:81", "/x") == 1);
    CHECK(taken("two.test:82", "/x") == -1);
    CHECK(taken("[::1]", "/x") == 2);
    CHECK(taken("[::1]:80", "/x") == 2);
    CHECK(taken("[::1", "/x") == -1);
    CHECK(taken("", "/x") == -1);
    CHECK(taken("", "/y") == 3);
}

// The rule as a plain function, to hold the trie against.
bool takes_plainly(std::vector<std::string_view> pattern, std::vector<std::string_view> path) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (i >= path.size()) return false;
        if (pattern[i].ends_with("*}")) return true;
        if (pattern[i].starts_with('{') ? path[i].empty() : pattern[i] != path[i]) return false;
    }
    return pattern.size() == path.size();
}

std::vector<std::string_view> cut(std::string_view path) {
    std::vector<std::string_view> out;
    for (std::size_t begin = 1; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        out.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

TEST_CASE("the trie finds what going through the routes one by one would find") {
    std::mt19937 random(7);
    const auto pick = [&](std::initializer_list<const char*> choices) {
        return std::string(choices.begin()[random() % choices.size()]);
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<settings::Route> routes;
        std::vector<std::string> patterns;
        for (int i = 0; i < 12; ++i) {
            std::string path;
            const std::size_t depth = 1 + random() % 4;
            for (std::size_t d = 0; d < depth; ++d) {
                std::string piece = pick({"a", "b", "c", "", "{}"});
                if (piece == "{}")
                    piece =
                        "{p" + std::to_string(d) + (d + 1 == depth && random() % 2 ? "*}" : "}");
                path += "/" + piece;
            }
            patterns.push_back(path);
            routes.push_back(pass("GET " + path));
        }
        const RouteTable table = table_of(routes);
        for (int i = 0; i < 40; ++i) {
            std::string path;
            const std::size_t depth = 1 + random() % 5;
            for (std::size_t d = 0; d < depth; ++d) path += "/" + pick({"a", "b", "c", "d", ""});
            int expected = -1;
            for (std::size_t r = 0; r < patterns.size() && expected < 0; ++r)
                if (takes_plainly(cut(patterns[r]), cut(path))) expected = static_cast<int>(r);
            CAPTURE(path);
            CHECK(taken_by(table, "GET " + path) == expected);
        }
    }
}

struct WrongRow {
    settings::Route route;
    const char* path;
    const char* says;
    int line;
};

TEST_CASE("what is wrong with a route is reported at its place, for all routes at once") {
    const std::vector<WrongRow> rows{
        {pass("GET"), "match", "expected", 10},
        {pass(""), "match", "expected", 10},
        {pass("get /x"), "match", "upper-case", 10},
        {pass("GET, POST /x"), "match", "method is missing", 10},
        {pass("GET articles"), "match", "begin with '/'", 10},
        {pass("GET /a?b"), "match", "'?'", 10},
        {pass("GET /a b"), "match", "no spaces", 10},
        {pass("GET /{id}.json"), "match", "whole segment", 10},
        {pass("GET /{id"), "match", "whole segment", 10},
        {pass("GET /{}"), "match", "name", 10},
        {pass("GET /{a:b}"), "match", "name", 10},
        {pass("GET /{a}/{a}"), "match", "twice", 10},
        {pass("GET /{rest*}/x"), "match", "last segment", 10},
        {pass("GET /%zz"), "match", "hex", 10},
        {read("PUT /x", "x"), "match", "only GET, HEAD, QUERY and POST", 10},
        {read("GET /x", ""), "key", "must not be empty", 11},
        {read("GET /x", "a:{b"), "key", "without '}'", 11},
        {read("GET /x", "a:b}"), "key", "without '{'", 11},
        {read("GET /x", "a:{b{c}}"), "key", "without '}'", 11},
        {read("GET /x", "a:{}"), "key", "placeholder is", 11},
        {read("GET /x", "a:{head:er}"), "key", "unknown kind", 11},
        {read("GET /x", "a:{header:}"), "key", "no name", 11},
        {read("GET /x", "a:{header:a b}"), "key", "no name", 11},
        {read("GET /x", "a:{b|md5}"), "key", "sha256", 11},
        {read("GET /x", "a:*"), "key", "'*'", 11},
        {read("GET /x", "a?b"), "key", "'?'", 11},
        {read("GET /x", "a#b"), "key", "'#'", 11},
        {read("GET /x", "a\nb"), "key", "control", 11},
        {read("GET /x", "larder:{a}"), "key", "larder:", 11},
        {read("GET /x", "{a}{b}"), "key", "side by side", 11},
        {read("GET /x", "{json:/a}"), "key", "purge", 11},
        {read("GET /x", "{response:a}"), "key", "tags", 11},
        {read("GET /{r*}", "x:{r*}"), "key", "named {r}", 11},
        {write("PUT /x", {""}), "purge[0]", "must not be empty", 11},
        {write("PUT /x", {"ok", "larder:tag:*"}), "purge[1]", "larder:", 11},
        {write("PUT /x", {"{json:id}"}), "purge[0]", "begins with '/'", 11},
    };
    std::vector<settings::Route> routes;
    for (const WrongRow& row : rows) routes.push_back(row.route);
    settings::Problems problems;
    RouteTable::compile(settings_of(routes), problems);
    REQUIRE(problems.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(rows[i].route.match);
        CAPTURE(problems[i].message);
        CHECK(problems[i].path == "routes[" + std::to_string(i) + "]." + rows[i].path);
        CHECK(problems[i].message.find(rows[i].says) != std::string::npos);
        CHECK(problems[i].at.line == static_cast<int>(10 * i) + rows[i].line);
    }
}

}  // namespace
}  // namespace larder::route
