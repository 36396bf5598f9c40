#include "cache/client_head.hpp"

#include <doctest/doctest.h>

#include "cache/validation.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

settings::Route told_no_cache() {
    settings::Route rule = minute_rule();
    rule.client_cache_control = "no-cache";
    return rule;
}

settings::Route with_etag() {
    settings::Route rule = minute_rule();
    rule.etag = true;
    return rule;
}

Stored rewritten(std::string_view text, const settings::Route& rule, std::string body = "meow") {
    const auto entry = test::draft(text, std::move(body), rule);
    rewrite_for_clients(*entry, rule);
    return make_stored(*entry);
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + 1))
        ++found;
    return found;
}

}  // namespace

TEST_CASE("clients are told the route's Cache-Control in place of the origin's") {
    const auto entry =
        rewritten("200 OK\nCache-Control: max-age=60\ncache-control: public\nExpires: 0\nX-A: b",
                  told_no_cache());
    CHECK(count(entry->head(), "ache-") == 1);
    CHECK(count(entry->head(), "Cache-Control: no-cache\r\n") == 1);
    CHECK(count(entry->head(), "Expires") == 0);
    CHECK(count(entry->head(), "X-A: b\r\n") == 1);
    CHECK(entry->freshness().lifetime == 60s);
}

TEST_CASE("what the origin said is kept beside it") {
    const auto entry = rewritten(
        "200 OK\nCache-Control: max-age=60\nExpires: 0\nETag: \"a\"\nX-A: b", told_no_cache());
    std::vector<http::Field> lines;
    origin_fields(*entry, lines);
    const http::Fields fields(lines);
    CHECK(fields.joined(http::FieldId::cache_control) == "max-age=60");
    CHECK(fields.value(http::FieldId::expires) == "0");
    CHECK(fields.value(http::FieldId::etag) == "\"a\"");
    CHECK(origin_etag(*entry) == "\"a\"");
    CHECK(entry->etag() == "\"a\"");
}

TEST_CASE("a response that is passed on while it is stored says the same") {
    const std::string lines = lines_for_clients(
        "HTTP/1.1 200 OK\r\nAge: 5\r\nCache-Control: max-age=60\r\nX-A: b\r\n", told_no_cache());
    CHECK(lines == "HTTP/1.1 200 OK\r\nX-A: b\r\nCache-Control: no-cache\r\n");
    const std::string_view as_it_is = "HTTP/1.1 200 OK\r\nAge: 5\r\n";
    CHECK(lines_for_clients(as_it_is, minute_rule()) == as_it_is);
}

TEST_CASE("etag: on makes a strong ETag of the body where the origin sends none") {
    const auto one = rewritten("200 OK\nContent-Type: text/plain", with_etag(), "one");
    const auto same = rewritten("200 OK\nContent-Type: text/plain", with_etag(), "one");
    const auto other = rewritten("200 OK\nContent-Type: text/plain", with_etag(), "two");
    const auto html = rewritten("200 OK\nContent-Type: text/html", with_etag(), "one");
    CHECK(one->etag().size() == 34);
    CHECK(one->etag().front() == '"');
    CHECK(one->etag() == same->etag());
    CHECK(one->etag() != other->etag());
    CHECK(one->etag() != html->etag());
    CHECK(count(one->head(), "ETag: " + std::string(one->etag()) + "\r\n") == 1);
    CHECK(origin_etag(*one).empty());

    const auto own = rewritten("200 OK\nETag: W/\"x\"", with_etag());
    CHECK(own->etag() == "W/\"x\"");
    CHECK_FALSE(own->rewritten());
}

TEST_CASE("the origin is not asked about an ETag that larder made") {
    CHECK(conditional_fields(*rewritten("200 OK", with_etag())).empty());
    CHECK(conditional_fields(*rewritten("200 OK\nETag: \"a\"", told_no_cache())) ==
          "If-None-Match: \"a\"\r\n");
}

TEST_CASE("a 304 renews the entry by what the origin said, not by what clients are told") {
    const auto stored =
        rewritten("200 OK\nCache-Control: max-age=60\nETag: \"a\"\nDate: " + std::string(noon_text),
                  told_no_cache());
    Detail reason = Detail::none;
    const Response not_modified("304 Not Modified\nETag: \"a\"");
    const auto renewed = freshen(*stored, Request("GET /a\nHost: h"), not_modified, told_no_cache(),
                                 Detail::none, noon + 60s, noon + 60s, reason);
    REQUIRE(renewed);
    CHECK(renewed->freshness.lifetime == 60s);
    CHECK_FALSE(renewed->freshness.no_cache);
    CHECK(count(renewed->head, "Cache-Control: no-cache\r\n") == 1);
    CHECK(count(renewed->head, "ache-") == 1);
    CHECK(count(renewed->head, "ETag") == 1);
}
