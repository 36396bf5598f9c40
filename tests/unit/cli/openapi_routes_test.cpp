#include "cli/openapi_routes.hpp"

#include <doctest/doctest.h>

#include "route/route_table.hpp"
#include "settings/load_settings.hpp"

using namespace larder;
using namespace larder::cli;

namespace {

const char* const articles = R"(
openapi: 3.1.0
servers: [{url: "https://api.example.com/v1/"}]
components:
  parameters:
    limit: {name: limit, in: query, schema: {type: integer, default: 20}}
paths:
  /articles:
    parameters: [{$ref: "#/components/parameters/limit"}]
    get: {parameters: [{name: skip, in: query, schema: {default: 0}}, {name: X-Y, in: header}]}
    post: {}
  /articles/{id}:
    get: {}
    put: {}
    delete: {}
  /me:
    get: {security: [{token: []}]}
  /jobs:
    post: {}
)";

std::string drafted(const std::string& document) {
    std::string fault;
    const auto draft = draft_routes(document, fault);
    if (!draft) FAIL(fault);
    return *draft;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("routes are drafted for reads, and for the writes that change them") {
    const std::string draft = drafted(articles);
    CAPTURE(draft);
    CHECK(
        has(draft, "- match: GET /v1/articles\n    key: \"articles:list:{limit=20}:{skip=0}\"\n"));
    CHECK(has(draft, "- match: GET /v1/articles/{id}\n    key: \"articles:{id}\"\n"));
    CHECK(has(draft, "- match: POST /v1/articles\n    purge: [\"articles:list:*\"]\n"));
    CHECK(has(draft,
              "- match: PUT,DELETE /v1/articles/{id}\n    purge: [\"articles:list:*\", "
              "\"articles:{id}\"]\n"));
    CHECK(has(draft, "Needs credentials"));
    CHECK_FALSE(has(draft, "/jobs"));
}

TEST_CASE("a draft is a configuration that larder takes") {
    settings::Problems problems;
    const auto none = [](const std::string&) -> std::optional<std::string> { return {}; };
    const settings::Settings settings = settings::load_settings_text(
        "origin: http://127.0.0.1:1\n" + drafted(articles), "draft", problems, none);
    static_cast<void>(route::RouteTable::compile(settings, problems));
    for (const settings::Problem& problem : problems) FAIL(settings::to_text(problem, "draft"));
    CHECK(settings.routes.size() == 5);
}

TEST_CASE("JSON and Swagger 2 are read too") {
    const std::string draft = drafted(
        R"({"swagger": "2.0", "basePath": "/api", "paths": {"/a": {"get": {"parameters":
           [{"name": "q", "in": "query", "default": "x y"}]}}, "x-note": 1}})");
    CHECK(has(draft, "- match: GET /api/a\n    key: \"a:list:{q=x y}\"\n"));
}

TEST_CASE("what larder writes otherwise than the document becomes what larder takes") {
    const std::string draft = drafted(R"(
openapi: 3.0.0
paths:
  /a:
    parameters: [{name: limit, in: query, schema: {default: 5}}, {name: host, in: query}]
    get: {parameters: [{name: limit, in: query, schema: {default: 9}}]}
  /a/{id}.json: {get: {}}
  /a/{id}: {get: {}, put: {}}
  /b/{user id}/{path}/{path}: {get: {}}
)");
    CAPTURE(draft);
    CHECK(has(draft, "- match: GET /a\n    key: \"a:list:{limit=9}\"\n"));
    CHECK(has(draft, "- match: GET /a/{id}\n    key: \"a:{id}\"\n"));
    CHECK(draft.find("GET /a/{id}") == draft.rfind("GET /a/{id}"));
    CHECK(has(draft, "- match: GET /b/{user_id}/{path_}/{path__}\n"));
    settings::Problems problems;
    const auto none = [](const std::string&) -> std::optional<std::string> { return {}; };
    const settings::Settings settings = settings::load_settings_text(
        "origin: http://127.0.0.1:1\n" + draft, "draft", problems, none);
    static_cast<void>(route::RouteTable::compile(settings, problems));
    CHECK_FALSE(settings::has_errors(problems));
}

TEST_CASE("what is no OpenAPI document is refused") {
    for (const char* text : {"", "[]", "paths: {}", "paths: [", "openapi: 3.0.0", "{}"}) {
        CAPTURE(text);
        std::string fault;
        CHECK_FALSE(draft_routes(text, fault));
        CHECK_FALSE(fault.empty());
    }
}
