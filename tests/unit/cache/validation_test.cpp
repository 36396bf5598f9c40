#include "cache/validation.hpp"

#include <doctest/doctest.h>

#include "cache/freshness.hpp"
#include "cache/preconditions.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

constexpr WallTime later = noon + 100s;
constexpr const char* later_text = "Sun, 06 Nov 1994 08:51:17 GMT";

std::unique_ptr<Draft> freshen_with(const StoredResponse& stored, const std::string& fields,
                                    Detail& reason, const settings::Route& rule = bare_rule()) {
    return freshen(stored, Request("GET /a\nHost: h"), Response("304 Not Modified\n" + fields),
                   rule, Detail::none, later, later, reason);
}

}  // namespace

TEST_CASE("the stored validators go to the origin as they came (RFC 9111, 4.3.1)") {
    CHECK(conditional_fields(
              *store("200 OK\nCache-Control: max-age=1\nETag: W/\"a\"\nLast-Modified: x")) ==
          "If-None-Match: W/\"a\"\r\nIf-Modified-Since: x\r\n");
    CHECK(conditional_fields(*store("200 OK\nCache-Control: max-age=1\nETag: abc")) ==
          "If-None-Match: abc\r\n");
    CHECK(conditional_fields(*store("200 OK\nCache-Control: max-age=1")).empty());
    CHECK(conditional_fields(*store("404 X\nCache-Control: max-age=1\nETag: \"a\"")).empty());
}

TEST_CASE("a 304 updates the stored fields in their places (RFC 9111, 3.2 and 4.3.4)") {
    const auto stored = store(
        "200 Fine\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nServer: s\nX-A: 1\nX-B: 1\nx-a: "
        "2\nContent-Type: text/plain\n"
        "Content-Encoding: gzip\nContent-Length: 4\nETag: \"a\"\nCache-Control: max-age=1");
    Detail reason = Detail::none;
    const auto fresh = freshen_with(
        *stored,
        std::string("Date: ") + later_text +
            "\nX-A: 3\nX-A: 4\nX-New: n\nContent-Length: 99\nContent-Encoding: br\n"
            "Content-Range: bytes 0-1/2\nContent-Type: text/html\nETag: \"a\"\nAge: 7\n"
            "Cache-Control: max-age=3600\nConnection: x-hop\nX-Hop: 1\nTransfer-Encoding: chunked\n"
            "X-Cache: HIT\nKeep-Alive: 5",
        reason);
    REQUIRE(fresh);
    CHECK(fresh->head ==
          std::string("HTTP/1.1 200 Fine\r\nDate: ") + later_text +
              "\r\nServer: s\r\nX-A: 3\r\nX-A: 4\r\nX-B: 1\r\nContent-Type: "
              "text/html\r\nContent-Encoding: gzip\r\n"
              "Content-Length: 4\r\nETag: \"a\"\r\nCache-Control: max-age=3600\r\nX-New: n\r\n");
    CHECK(fresh->body == "meow");
    CHECK(fresh->status == 200);
    CHECK(fresh->freshness.lifetime == 3600s);
    CHECK(fresh->freshness.initial_age == 7s);
    CHECK(fresh->freshness.received_at == later);
    CHECK(fresh->content_encoding == "gzip");
}

TEST_CASE("a 304 without a Date is dated by its receipt") {
    const auto stored = store(
        "200 OK\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nETag: \"a\"\nCache-Control: max-age=60");
    Detail reason = Detail::none;
    const auto fresh = freshen_with(*stored, "ETag: \"a\"", reason);
    REQUIRE(fresh);
    CHECK(fresh->head.find(later_text) != std::string::npos);
    CHECK(remaining_lifetime(fresh->freshness, later) == 60s);
}

TEST_CASE("which 304 belongs to the stored response (RFC 9111, 4.3.4)") {
    struct Row {
        const char* stored;
        const char* not_modified;
        bool belongs;
    };
    const Row rows[] = {
        {"ETag: \"a\"", "ETag: \"a\"", true},
        {"ETag: \"a\"", "ETag: \"b\"", false},
        {"ETag: \"a\"", "ETag: W/\"a\"", true},
        {"ETag: W/\"a\"", "ETag: W/\"a\"", true},
        {"ETag: W/\"a\"", "ETag: W/\"b\"", false},
        {"ETag: W/\"a\"", "ETag: \"a\"", false},
        {"ETag: \"a\"", "X: y", true},
        {"ETag: \"a\"\nLast-Modified: l", "Last-Modified: l", true},
        {"ETag: \"a\"\nLast-Modified: l", "Last-Modified: m", false},
        {"ETag: \"a\"\nLast-Modified: l", "ETag: \"a\"\nLast-Modified: m", true},
        {"Last-Modified: l", "Last-Modified: l", true},
        {"Last-Modified: l", "Last-Modified: m", false},
        {"Last-Modified: l", "X: y", true},
        {"Last-Modified: l", "ETag: \"a\"\nLast-Modified: l", true},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.stored));
        CAPTURE(std::string(row.not_modified));
        const auto stored = store(std::string("200 OK\nCache-Control: max-age=1\n") + row.stored);
        Detail reason = Detail::no_store;
        const auto fresh = freshen_with(*stored, row.not_modified, reason);
        CHECK((fresh != nullptr) == row.belongs);
        CHECK(reason == Detail::none);
    }
}

TEST_CASE("a 304 can end the storing") {
    const auto stored = store("200 OK\nCache-Control: max-age=1\nETag: \"a\"");
    const auto reason_of = [&](const char* fields) {
        Detail reason = Detail::none;
        CHECK_FALSE(freshen_with(*stored, fields, reason));
        return reason;
    };
    CHECK(reason_of("ETag: \"a\"\nCache-Control: no-store") == Detail::no_store);
    CHECK(reason_of("ETag: \"a\"\nCache-Control: private") == Detail::private_);
    CHECK(reason_of("ETag: \"a\"\nSet-Cookie: a=b") == Detail::set_cookie);
    CHECK(reason_of("ETag: \"a\"\nVary: *") == Detail::vary_star);
}

TEST_CASE("a 304 may change what the response varies on and what is left out") {
    const auto stored = store("200 OK\nCache-Control: max-age=1\nETag: \"a\"\nX-A: 1\nVary: b");
    Detail reason = Detail::none;
    const auto fresh =
        freshen_with(*stored, "Vary: c, d\nCache-Control: max-age=9, no-cache=\"x-a\"", reason);
    REQUIRE(fresh);
    CHECK(fresh->vary == std::vector<std::string>{"c", "d"});
    CHECK(fresh->head.find("X-A") == std::string::npos);
    CHECK(fresh->etag == "\"a\"");
}

TEST_CASE("a 304 that nobody asked for confirms nothing") {
    for (const char* unasked :
         {"200 OK\nCache-Control: max-age=1", "404 X\nCache-Control: max-age=1\nETag: \"a\""}) {
        Detail reason = Detail::none;
        CHECK_FALSE(
            freshen_with(*store(unasked), "Cache-Control: max-age=1000\nETag: \"a\"", reason));
        CHECK_FALSE(freshen_with(*store(unasked), "Cache-Control: max-age=1000", reason));
    }
}

TEST_CASE(
    "an answer to HEAD confirms an entry by its validator, not by its length (RFC 9111, 4.3.5)") {
    struct Row {
        const char* stored;
        const char* answer;
        bool confirms;
    };
    const Row rows[] = {
        {"X: y", "X: y", false},
        {"X: y", "ETag: \"a\"", false},
        {"X: y", "Last-Modified: l", false},
        {"ETag: \"a\"", "X: y", false},
        {"ETag: \"a\"", "ETag: \"a\"", true},
        {"ETag: W/\"a\"", "ETag: W/\"a\"", true},
        {"ETag: \"a\"", "ETag: \"b\"", false},
        {"ETag:", "ETag:", false},
        {"Last-Modified: l", "X: y", false},
        {"Last-Modified: l", "Last-Modified: l", true},
        {"Last-Modified: l", "Last-Modified: m", false},
        {"Last-Modified:", "Last-Modified:", false},
        {"ETag: \"a\"\nLast-Modified: l", "Last-Modified: l", true},
        {"ETag: \"a\"\nLast-Modified: l", "ETag: \"b\"\nLast-Modified: l", false},
        {"ETag: \"a\"\nLast-Modified: l", "ETag: \"a\"\nLast-Modified: m", false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.stored));
        CAPTURE(std::string(row.answer));
        const auto stored = store(std::string("200 OK\nCache-Control: max-age=60\n") + row.stored);
        Detail reason = Detail::none;
        const auto fresh = freshen_from_head(
            *stored, Request("HEAD /a\nHost: h"),
            Response(std::string("200 OK\nCache-Control: max-age=1000\nContent-Length: 4\n") +
                     row.answer),
            bare_rule(), Detail::none, later, later, reason);
        CHECK((fresh != nullptr) == row.confirms);
    }
}

TEST_CASE("HEAD updates what it does not contradict (RFC 9111, 4.3.5)") {
    const auto stored = store("200 OK\nCache-Control: max-age=1\nETag: \"a\"\nX-A: 1\nX-B: 1");
    const auto update = [&](const std::string& answer) {
        const std::string text =
            answer.find("ETag") == std::string::npos ? answer + "\nETag: \"a\"" : answer;
        Detail reason = Detail::none;
        return freshen_from_head(*stored, Request("HEAD /a\nHost: h"), Response(text), bare_rule(),
                                 Detail::none, later, later, reason);
    };
    const auto fresh = update("200 OK\nCache-Control: max-age=1000\nX-A: 2\nContent-Length: 4");
    REQUIRE(fresh);
    CHECK(fresh->head.find("X-A: 2\r\nX-B: 1") != std::string::npos);
    CHECK(fresh->freshness.lifetime == 1000s);
    CHECK(fresh->body == "meow");
    CHECK_FALSE(update("200 OK\nCache-Control: max-age=1000\nContent-Length: 5"));
    CHECK_FALSE(update("200 OK\nCache-Control: max-age=1000\nETag: \"b\""));
    CHECK_FALSE(update("200 OK\nCache-Control: max-age=1000\nLast-Modified: m"));
    CHECK_FALSE(update("410 Gone\nCache-Control: max-age=1000"));
}

TEST_CASE("the client's conditions against a stored 200 (RFC 9110, 13.2.2; RFC 9111, 4.3.2)") {
    struct Row {
        const char* rfc;
        const char* stored;
        const char* request;
        bool not_modified;
    };
    const Row rows[] = {
        {"13.1.2", "ETag: \"a\"", "GET /", false},
        {"13.1.2", "ETag: \"a\"", "GET /\nIf-None-Match: \"a\"", true},
        {"13.1.2", "ETag: \"a\"", "HEAD /\nIf-None-Match: \"a\"", true},
        {"13.1.2", "ETag: \"a\"", "GET /\nIf-None-Match: \"b\"", false},
        {"13.1.2", "ETag: \"a\"", "GET /\nIf-None-Match: \"b\", W/\"a\"", true},
        {"13.1.2", "ETag: \"a\"", "GET /\nIf-None-Match: \"b\"\nIf-None-Match: \"a\"", true},
        {"13.1.2", "ETag: W/\"a\"", "GET /\nIf-None-Match: W/\"a\"", true},
        {"13.1.2", "X: y", "GET /\nIf-None-Match: *", true},
        {"13.1.2", "X: y", "GET /\nIf-None-Match: \"a\"", false},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT", true},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:01 GMT", true},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 07:59:59 GMT", false},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sunday, 06-Nov-94 08:00:00 GMT", true},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sun Nov  6 08:00:00 1994", true},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT", "GET /\nIf-Modified-Since: foo",
         false},
        {"13.1.3", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT\nIf-Modified-Since: Sun, 06 Nov "
         "1994 08:00:00 GMT",
         false},
        {"13.2.2", "ETag: \"a\"\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-None-Match: \"b\"\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT", false},
        {"13.2.2", "ETag: \"a\"\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         "GET /\nIf-None-Match: \"a\"\nIf-Modified-Since: Sun, 06 Nov 1994 07:00:00 GMT", true},
        {"9111 4.3.2", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", true},
        {"9111 4.3.2", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
         "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", false},
        {"9111 4.3.2", "Date: foo", "GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
         true},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.stored));
        CAPTURE(std::string(row.request));
        const auto stored = store(std::string("200 OK\nCache-Control: max-age=9\n") + row.stored);
        const bool not_modified = evaluate_preconditions(Request(row.request), *stored, later) ==
                                  Precondition::not_modified;
        CHECK(not_modified == row.not_modified);
        if (std::string(row.rfc) != "9111 4.3.2") {
            const auto plain = evaluate_preconditions(Request(row.request), stored->etag(),
                                                      stored->last_modified());
            CHECK((plain == Precondition::not_modified) == row.not_modified);
        }
    }
    const auto missing = store("404 X\nCache-Control: max-age=9\nETag: \"a\"");
    CHECK(evaluate_preconditions(Request("GET /\nIf-None-Match: \"a\""), *missing, later) ==
          Precondition::pass);
}
