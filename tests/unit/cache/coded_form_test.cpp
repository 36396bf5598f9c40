#include "cache/coded_form.hpp"

#include <doctest/doctest.h>

#include "cache/client_head.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

const std::string text(2000, 'x');

settings::Route coding() {
    settings::Route rule = minute_rule();
    rule.compress = std::vector{settings::Coding::zstd, settings::Coding::gzip};
    return rule;
}

Stored entry_of(std::string_view head, const std::string& body = text) {
    const auto entry = test::draft(head, body, coding());
    rewrite_for_clients(*entry, coding());
    return make_stored(*entry);
}

Stored with_forms(std::string_view head) {
    const auto entry = entry_of(head);
    return with_coded_forms(*entry, {coded_form(*entry, settings::Coding::zstd, "z"),
                                     coded_form(*entry, settings::Coding::gzip, "gz")});
}

std::string chosen(const Stored& entry, std::string_view request) {
    return std::string(
        form_for(Request("GET /\n" + std::string(request)), *entry).content_encoding());
}

}  // namespace

TEST_CASE("text of 1 KB and more may be coded, unless somebody forbids it") {
    CHECK(may_be_coded(*entry_of("200 OK\nContent-Type: application/json")));
    CHECK(may_be_coded(*entry_of("200 OK\nContent-Type: text/html; charset=utf-8")));
    CHECK(may_be_coded(*entry_of("200 OK\nContent-Type: application/problem+json")));
    CHECK(may_be_coded(*entry_of("200 OK\nContent-Type: text/css", std::string(1024, 'x'))));
    CHECK_FALSE(may_be_coded(*entry_of("200 OK\nContent-Type: text/css", std::string(1023, 'x'))));
    CHECK_FALSE(may_be_coded(*entry_of("200 OK\nContent-Type: image/png")));
    CHECK_FALSE(may_be_coded(*entry_of("200 OK")));
    CHECK_FALSE(may_be_coded(*entry_of("203 OK\nContent-Type: text/css")));
    CHECK_FALSE(may_be_coded(
        *entry_of("200 OK\nContent-Type: text/css\nCache-Control: max-age=9, No-Transform")));
    CHECK_FALSE(may_be_coded(*entry_of("200 OK\nContent-Type: text/css\nContent-Encoding: br")));
}

TEST_CASE("no-transform counts where clients are told another Cache-Control") {
    settings::Route rule = coding();
    rule.client_cache_control = "no-cache";
    const auto draft = test::draft(
        "200 OK\nContent-Type: text/css\nCache-Control: max-age=9, no-transform", text, rule);
    rewrite_for_clients(*draft, rule);
    const Stored entry = make_stored(*draft);
    CHECK_FALSE(may_be_coded(*entry));
    CHECK(entry->head().find("Vary") == std::string::npos);
}

TEST_CASE("a form has fields of its own") {
    const Stored entry =
        with_forms("200 OK\nContent-Type: text/css\nETag: \"a\"\nAccept-Ranges: bytes\nX-A: b");
    const StoredResponse& form = entry->coded(0);
    CHECK(form.etag() == "\"a-zstd\"");
    CHECK(form.body() == "z");
    CHECK(form.head().starts_with("HTTP/1.1 200 OK\r\n"));
    for (const std::string line :
         {"Content-Type: text/css\r\n", "ETag: \"a-zstd\"\r\n", "Content-Encoding: zstd\r\n",
          "Content-Length: 1\r\n", "Vary: Accept-Encoding\r\n", "X-A: b\r\n"})
        CHECK_MESSAGE(form.head().find(line) != std::string::npos, line);
    CHECK(form.head().find("Content-Length: 2000") == std::string::npos);
    CHECK(form.head().find("Accept-Ranges") == std::string::npos);
    CHECK(entry->head().find("Vary: Accept-Encoding\r\n") != std::string::npos);
    CHECK(entry->etag() == "\"a\"");
    CHECK(entry->cost() > entry_of("200 OK\nContent-Type: text/css")->cost() + form.cost());
}

TEST_CASE("a weak ETag is the same for all forms") {
    const Stored entry = with_forms("200 OK\nContent-Type: text/css\nETag: W/\"a\"");
    CHECK(entry->coded(0).etag() == "W/\"a\"");
}

TEST_CASE("what says that it varies need not say it twice") {
    for (const char* vary : {"Vary: accept-encoding, origin"}) {
        const auto entry = entry_of("200 OK\nContent-Type: text/css\n" + std::string(vary));
        CHECK(entry->head().find("Vary: Accept-Encoding") == std::string::npos);
    }
    const auto other = entry_of("200 OK\nContent-Type: text/css\nVary: Origin");
    CHECK(other->head().find("Vary: Origin\r\n") != std::string::npos);
    CHECK(other->head().find("Vary: Accept-Encoding\r\n") != std::string::npos);
    CHECK(other->vary().to_strings() == std::vector<std::string>{"origin"});
}

TEST_CASE("a request gets the best form that it accepts, and a range of the entry itself") {
    const Stored entry = with_forms("200 OK\nContent-Type: text/css");
    CHECK(chosen(entry, "Accept-Encoding: gzip, zstd") == "zstd");
    CHECK(chosen(entry, "Accept-Encoding: gzip") == "gzip");
    CHECK(chosen(entry, "Accept-Encoding: zstd;q=0, gzip;q=0.1") == "gzip");
    CHECK(chosen(entry, "Accept-Encoding: *") == "zstd");
    CHECK(chosen(entry, "Accept-Encoding: br").empty());
    CHECK(chosen(entry, "Accept-Encoding: ").empty());
    CHECK(chosen(entry, "").empty());
    CHECK(chosen(entry, "Accept-Encoding: gzip\nRange: bytes=0-1").empty());
    CHECK(chosen(entry, "Accept-Encoding: gzip\nCache-Control: no-transform").empty());
}

TEST_CASE("the second hit counts") {
    const auto entry = entry_of("200 OK");
    CHECK_FALSE(count_hit(*entry));
    CHECK(count_hit(*entry));
    for (int i = 0; i < 600; ++i) CHECK_FALSE(count_hit(*entry));
}
