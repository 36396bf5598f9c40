#include "observe/fetch_findings.hpp"

#include <doctest/doctest.h>

#include "observe/key_ranks.hpp"

using namespace larder::observe;

TEST_CASE("what expired is compared with what comes in its place") {
    FetchFindings findings;
    FetchFinding finding{.route = "/a/{id}", .bare_key = "a:1"};
    findings.note(finding);
    finding.replaces = true;
    findings.note(finding);
    finding.same_body = true;
    finding.has_tags = true;
    findings.note(finding);
    findings.note(finding);
    const RouteFinding found = findings.by_route().at("/a/{id}");
    CHECK(found.stored == 4);
    CHECK(found.refetched_changed == 1);
    CHECK(found.refetched_same == 2);
    CHECK(found.with_tags == 2);
}

TEST_CASE("a parameter that changes nothing is told from one that does") {
    FetchFindings findings;
    const auto note = [&](const char* appended, std::uint64_t body) {
        findings.note({.route = "/a", .bare_key = "a", .appended = appended, .body_hash = body});
    };
    for (const char* appended : {"ref=1", "ref=2", "ref=3", "ref=3"}) note(appended, 7);
    for (const char* appended : {"page=1", "page=2"}) note(appended, appended[5] - '0');
    note("ref=4&page=1", 9);
    note("", 9);
    const auto parameters = findings.by_route().at("/a").parameters;
    CHECK(parameters.size() == 2);
    CHECK(parameters.at("ref").same == 2);
    CHECK(parameters.at("ref").different == 0);
    CHECK(parameters.at("page").different == 1);
}

TEST_CASE("memory stays bounded, whatever comes") {
    FetchFindings findings;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = std::to_string(i);
        findings.note({.route = "/" + text, .bare_key = text, .appended = "x" + text + "=1"});
    }
    CHECK(findings.by_route().size() == 1024);
}

TEST_CASE("paths of one shape are one") {
    CHECK(path_shape("/orders/17/lines") == "/orders/{id}/lines");
    CHECK(path_shape("/users/f058ebd6-02f7-4d3f-942e-904344e8cde5") == "/users/{id}");
    CHECK(path_shape("/feed") == "/feed");
    CHECK(path_shape("/") == "/");
    CHECK(path_shape("/a/b/") == "/a/b/");
    CHECK(path_shape("/" + std::string(5000, 'x')).size() <= 256);
}
