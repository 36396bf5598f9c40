#include "cache/invalidation.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "cache/origin_tags.hpp"
#include "http/write_methods.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {
const std::vector<std::string> default_tag_headers = settings::Settings().tag_headers;
}

TEST_CASE("requests that may be writes invalidate unless the origin refused them (RFC 9111, 4.4)") {
    for (const char* line :
         {"POST /", "PUT /", "PATCH /", "DELETE /", "MKCOL /", "query /",
          "GET /\nX-HTTP-Method-Override: delete", "GET /?_method=PUT", "GET /?%5Fmethod=PUT",
          "GET /?_method=P%55T", "GET /?a=1;_method=put", "POST /\nX-HTTP-Method-Override: GET",
          "QUERY /\nX_HTTP_Method: PATCH"}) {
        CAPTURE(line);
        for (int status : {200, 201, 204, 299, 301, 303, 399, 500, 502, 504, 599})
            CHECK(invalidates(Request(line), status));
        for (int status : {100, 101, 400, 401, 404, 409, 499})
            CHECK_FALSE(invalidates(Request(line), status));
    }
    // Safe by IANA's registry of methods.
    for (const char* line : {"GET /", "HEAD /", "OPTIONS /", "TRACE /", "QUERY /", "PROPFIND /",
                             "REPORT /", "SEARCH /", "PRI /", "GET /\nX-HTTP-Method-Override: HEAD",
                             "GET /?x_method=PUT", "GET /?a=_method=PUT"})
        CHECK_FALSE(invalidates(Request(line), 200));
}

TEST_CASE("a long list of methods costs little, and counts as all usual writes") {
    std::string names;
    for (int i = 0; i < 5000; ++i) names += "A" + std::to_string(i) + ",";
    const std::vector<std::string> methods =
        http::overriding_methods(Request("GET /\nX-HTTP-Method-Override: " + names));
    CHECK(methods.size() == 12);
    for (const char* write : {"POST", "PUT", "PATCH", "DELETE"})
        CHECK(std::count(methods.begin(), methods.end(), write) == 1);
    CHECK(http::overriding_methods(Request("GET /\nX-HTTP-Method: a, B,a")) ==
          std::vector<std::string>{"A", "B"});
}

TEST_CASE("a query that asks for no method costs a hit no memory") {
    const Request request("GET /a?filter%5Bproduct_name%5D=caf%C3%A9&a_long_parameter=1;x=%20");
    const std::size_t before = allocations();
    const bool asks = http::asks_to_write_by_parameter(request);
    CHECK(allocations() == before);
    CHECK_FALSE(asks);
    CHECK(http::asks_to_write_by_parameter(Request("GET /a?b=1&%5fmethod=delete")));
}

TEST_CASE("Location and Content-Location of the same host are invalidated too (RFC 9111, 4.4)") {
    struct Row {
        const char* location;
        std::vector<std::string> targets;
    };
    const Row rows[] = {
        {"/b", {"/b"}},
        {"/b?c=d", {"/b?c=d"}},
        {"/b#frag", {"/b"}},
        {"b", {"/a/b"}},
        {"./b", {"/a/b"}},
        {"../b", {"/b"}},
        {"../../../b", {"/b"}},
        {"/x/./y/../z", {"/x/z"}},
        {"/x/..", {"/"}},
        {"/x/.", {"/x/"}},
        {"?p=1", {"/a/1?p=1"}},
        {"", {"/a/1?q"}},
        {"http://h/b", {"/b"}},
        {"https://H/b", {"/b"}},
        {"HTTP://h:80/b", {"/b"}},
        {"http://h", {"/"}},
        {"http://h?x", {"/?x"}},
        {"//h/b", {"/b"}},
        {"http://other/b", {}},
        {"http://h:81/b", {}},
        {"//other/b", {}},
        {"http://user@h/b", {}},
        {"http:///b", {}},
        {"mailto:h", {}},
        {"ftp://h/b", {}},
        {"b:c", {}},
        {"b/c:d", {"/a/b/c:d"}},
    };
    const Request request("POST /a/1?q\nHost: h");
    for (const Row& row : rows) {
        CAPTURE(std::string(row.location));
        CHECK(related_targets(request, Response(std::string("201 X\nLocation: ") + row.location)) ==
              row.targets);
        CHECK(related_targets(request, Response(std::string("201 X\nContent-Location: ") +
                                                row.location)) == row.targets);
    }
    CHECK(related_targets(request, Response("201 X\nLocation: /b\nContent-Location: /c")) ==
          std::vector<std::string>{"/b", "/c"});
    CHECK(related_targets(request, Response("201 X\nLocation: /b\nContent-Location: /b")).size() ==
          1);
    std::string many = "201 X";
    for (int i = 0; i < 300; ++i) many += "\nContent-Location: /" + std::to_string(i);
    CHECK(related_targets(request, Response(many)).size() == 300);
}

TEST_CASE("only the fields that tag_headers names hold tags") {
    std::vector<std::string> tags;
    collect_origin_tags(Response("200 OK\nMy-Tags: a\nCache-Tag: b"), {"my-tags"}, tags);
    CHECK(tags == std::vector<std::string>{"a"});
}

TEST_CASE("the tags an origin sends, and the groups a write invalidates (RFC 9875)") {
    const auto tags = [](const char* fields) {
        std::vector<std::string> out;
        collect_origin_tags(Response(std::string("200 OK\n") + fields), default_tag_headers, out);
        return out;
    };
    using Tags = std::vector<std::string>;
    CHECK(tags("Surrogate-Key: a  b,c\nSurrogate-Key: d") == Tags{"a", "b", "c", "d"});
    CHECK(tags("Cache-Tag: a b, c ,,\td") == Tags{"a", "b", "c", "d"});
    CHECK(tags("XKEY: x\nCache-Tags: y\nEdge-Cache-Tag: z") == Tags{"x", "y", "z"});
    CHECK(tags("Cache-Groups: \"x\", \"y z\";p") == Tags{"group:x", "group:y z"});
    CHECK(tags("Cache-Groups: \"x\"\nCache-Groups: \"y\"") == Tags{"group:x", "group:y"});
    CHECK(tags("Cache-Groups: x, \"y\"").empty());
    CHECK(tags("Cache-Groups: \"x").empty());
    CHECK(tags("Surrogate-Key: a a\nCache-Tag: a") == Tags{"a"});

    Tags groups;
    collect_invalidated_groups(
        Response("200 OK\nCache-Group-Invalidation: \"x\", \"y\"\nCache-Groups: \"z\""), groups);
    CHECK(groups == Tags{"group:x", "group:y"});
}

TEST_CASE("no tag that a response names is left out, and what is too much to keep can be told") {
    std::string keys = "200 OK\nSurrogate-Key:";
    std::string groups = "200 OK\nCache-Groups: \"0\"";
    std::string invalidated = "200 OK\nCache-Group-Invalidation: \"0\"";
    for (int i = 0; i < 1024; ++i) keys += " " + std::to_string(i);
    for (int i = 1; i < 5000; ++i) groups += ", \"" + std::to_string(i) + "\"";
    for (int i = 1; i < 5000; ++i) invalidated += ", \"" + std::to_string(i) + "\"";
    std::vector<std::string> tags;
    collect_origin_tags(Response(keys), default_tag_headers, tags);
    CHECK(tags.size() == 1024);
    CHECK(are_within_tag_bounds(tags));
    collect_origin_tags(Response("200 OK\nCache-Tag: 0, 1"), default_tag_headers, tags);
    CHECK(are_within_tag_bounds(tags));
    collect_origin_tags(Response("200 OK\nCache-Tag: one-more"), default_tag_headers, tags);
    CHECK_FALSE(are_within_tag_bounds(tags));

    tags.clear();
    collect_origin_tags(Response(groups), default_tag_headers, tags);
    CHECK(tags.size() == 5000);
    CHECK_FALSE(are_within_tag_bounds(tags));
    tags.clear();
    collect_invalidated_groups(Response(invalidated), tags);
    CHECK(tags.size() == 5000);

    CHECK(are_within_tag_bounds({std::string(1024, 'x')}));
    CHECK_FALSE(are_within_tag_bounds({std::string(1025, 'x')}));
}

TEST_CASE("a Location names the host that a trusted proxy told the origin") {
    using Targets = std::vector<std::string>;
    const auto targets = [](std::string_view location) {
        const Request request =
            Request("POST /a\nHost: lb:8080\nX-Forwarded-Host: shop.test\nX-Forwarded-Proto: https")
                .from_trusted();
        return related_targets(request,
                               Response("201 Created\nLocation: " + std::string(location)));
    };
    CHECK(targets("https://shop.test/a/7") == Targets{"/a/7"});
    CHECK(targets("https://shop.test:443/a/7") == Targets{"/a/7"});
    CHECK(targets("http://lb:8080/a/7") == Targets{"/a/7"});
    CHECK(targets("https://other.test/a/7") == Targets{});
}
