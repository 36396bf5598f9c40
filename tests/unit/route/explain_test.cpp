#include "route/explain.hpp"

#include <doctest/doctest.h>

#include "route/examples.hpp"
#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {
using namespace kit;

settings::Example example(std::string request) {
    settings::Example out;
    out.at = {70, 5};
    out.request = std::move(request);
    return out;
}

settings::Example expects_key(std::string request, std::string key) {
    settings::Example out = example(std::move(request));
    out.key = std::move(key);
    return out;
}

settings::Example expects_purges(std::string request, std::vector<std::string> purges) {
    settings::Example out = example(std::move(request));
    out.purges = std::move(purges);
    return out;
}

settings::Problems run(std::vector<settings::Example> examples) {
    settings::Settings settings = settings_of(articles());
    settings.routes.push_back(read("GET /h", "h:{header:x}:{host}"));
    settings.routes.push_back(pass("GET /health"));
    settings.examples = std::move(examples);
    settings::Problems problems;
    const RouteTable table = RouteTable::compile(settings, problems);
    run_examples(table, settings, problems);
    return problems;
}

TEST_CASE("examples that hold say nothing") {
    settings::Example ttl = expects_key("GET /articles?limit=5", "articles:list:0:5");
    ttl.ttl = std::chrono::seconds(60);
    settings::Example off = example("GET /health");
    off.cache_off = true;
    settings::Example none = example("GET /elsewhere");
    none.cache_off = true;
    settings::Example headers = expects_key("GET http://x.test/h", "h:y:x.test");
    headers.headers = {{"X", "y"}};
    const settings::Problems problems =
        run({ttl, off, none, headers,
             expects_purges("PUT /articles/7", {"articles:7", "articles:list:*"}),
             expects_purges("PUT /articles/7", {"articles:list:*", "articles:7"}),
             expects_purges("POST /articles", {"articles:list:*"}),
             expects_purges("POST /articles", {"articles:list:*", "articles:list:0:20"}),
             expects_purges("PUT /users/7", {}), expects_purges("PUT /users/7", {"users:7"}),
             expects_purges("GET /users/7", {})});
    for (const settings::Problem& problem : problems) CHECK(problem.message == "");
}

TEST_CASE("an example that does not hold is an error with what was expected and what came out") {
    settings::Example ttl = example("GET /articles");
    ttl.ttl = std::chrono::seconds(61);
    settings::Example off = example("GET /articles");
    off.cache_off = true;
    settings::Example uncached_ttl = example("GET /health");
    uncached_ttl.ttl = std::chrono::seconds(1);
    const settings::Problems problems = run(
        {expects_key("GET /articles/7", "articles:8"), expects_key("GET /health", "x"), ttl, off,
         uncached_ttl, expects_purges("PUT /articles/7", {"articles:list:*", "articles:8"}),
         expects_purges("PUT /articles/7", {"articles:7"}), expects_key("GET", "x"),
         expects_key("GET articles", "x"), expects_key("GET ", "x"), expects_key("GET  ", "x")});
    const char* options[] = {"key",    "key",     "ttl",     "cache",   "ttl",    "purges",
                             "purges", "request", "request", "request", "request"};
    REQUIRE(problems.size() == std::size(options));
    for (std::size_t i = 0; i < problems.size(); ++i) {
        CHECK(problems[i].path == "examples[" + std::to_string(i) + "]." + options[i]);
        CHECK(problems[i].severity == settings::Problem::Severity::error);
        CHECK(problems[i].at.line == 70);
    }
    CHECK(problems[0].message.find("expected \"articles:8\", but it is \"articles:7\"") !=
          std::string::npos);
    CHECK(problems[5].message.find("[\"articles:7\", \"articles:list:*\"]") != std::string::npos);
}

TEST_CASE("explain tells the route, the key, the tags and the lifetime of a read") {
    auto routes = articles();
    routes[0].status_ttl = {{404, std::chrono::seconds(10)}};
    routes[0].stale_if_error = std::chrono::seconds(300);
    const RouteTable table = table_of(routes);
    const OfflineRequest asked = request("GET /articles?page=2");
    const Explanation found = explain(table, asked.head());
    CHECK(found.readable);
    CHECK(found.route->index == 0);
    CHECK(found.key == "articles:list:0:20?page=2");
    CHECK(found.tags == std::vector<std::string>{"articles:list:*"});
    CHECK_FALSE(found.unsafe);
    CHECK(found.purges.empty());
    const std::string text = to_text(found);
    for (const char* part : {"request   GET /articles?page=2\n", "host      api.test\n",
                             "routes[0] \"GET /articles\" (line 10)",
                             "key       articles:list:0:20?page=2\n", "tag       articles:list:*\n",
                             "ttl of the route: 60s", "status_ttl for 404", "stale_if_error"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("explain tells what a write purges, and why nothing is cached without a route") {
    const RouteTable table = table_of(articles());
    const OfflineRequest write_request = request("PUT /articles/7");
    const std::string text = to_text(explain(table, write_request.head()));
    CHECK(text.find("write route") != std::string::npos);
    CHECK(text.find("purges    articles:7\npurges    articles:list:*\n") != std::string::npos);
    const OfflineRequest unrouted = request("DELETE /else");
    CHECK(to_text(explain(table, unrouted.head())).find("purges    nothing") != std::string::npos);
    const OfflineRequest missing = request("GET /else");
    CHECK(explain(table, missing.head()).why.find("no route") == 0);
    CHECK_FALSE(OfflineRequest::make("GET", "articles", "", {}).has_value());
    CHECK(OfflineRequest::make("GET", "http://x.test?a=1", "", {})->head().target == "/?a=1");
}

}  // namespace
}  // namespace larder::route
