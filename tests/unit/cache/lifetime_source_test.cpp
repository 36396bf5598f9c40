#include "cache/lifetime_source.hpp"

#include <doctest/doctest.h>

#include "cache/outcome_text.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

TEST_CASE("what granted a lifetime is named") {
    settings::Route rule;
    rule.ttl = std::chrono::seconds(60);
    rule.status_ttl = {{404, std::chrono::seconds(10)}};
    const auto source = [&](const char* head) {
        return lifetime_source(Response(head), rule, WallTime(Seconds(1'000'000'000)));
    };
    CHECK(source("200 OK\nCache-Control: max-age=5") == "Cache-Control: max-age");
    CHECK(source("200 OK\nCache-Control: max-age=5, s-maxage=6") == "Cache-Control: s-maxage");
    CHECK(source("200 OK\nCDN-Cache-Control: max-age=5\nCache-Control: s-maxage=6") ==
          "CDN-Cache-Control: max-age");
    CHECK(source("200 OK\nExpires: Fri, 01 Jan 2100 00:00:00 GMT") == "Expires");
    CHECK(source("200 OK") == "ttl of the route");
    CHECK(source("404 Not Found") == "status_ttl of the route");
    CHECK(source("500 Oops") == "nothing grants one");
    rule.ttl.reset();
    rule.heuristic = 0.1;
    CHECK(source("200 OK\nLast-Modified: Fri, 01 Jan 1999 00:00:00 GMT") ==
          "heuristic of the route");
}

TEST_CASE("every word and every detail has a sentence of its own") {
    for (int i = 1; i < static_cast<int>(Detail::count_); ++i) {
        CHECK_FALSE(sentence_of(static_cast<Detail>(i)).empty());
        for (int other = 1; other < i; ++other)
            CHECK(sentence_of(static_cast<Detail>(i)) != sentence_of(static_cast<Detail>(other)));
    }
    CHECK(sentence_of(Detail::none).empty());
    CHECK(sentence_of(Detail::purge_denied).find("purge_from") != std::string_view::npos);
    CHECK(sentence_of(XCache::bypass) == "the cache had no part in this request");
}
