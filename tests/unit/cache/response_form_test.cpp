#include "cache/response_form.hpp"

#include <doctest/doctest.h>

#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

constexpr std::string_view whole_head =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "ETag: \"a\"\r\n"
    "X-Account: 7\r\n"
    "content-length: 11\r\n"
    "Content-Encoding: gzip\r\n"
    "Content-Range: bytes 1-2/3\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

ResponseFacts fetched(std::optional<std::uint64_t> length = 11, int status = 200) {
    return {status, "\"a\"", "Sun, 06 Nov 1994 08:00:00 GMT", length};
}

/// "200", "304", "206 bytes 0-4/11", "416 bytes */11", and the length of the body.
std::string text_of(const ResponseForm& form) {
    std::string out = std::to_string(form.status);
    if (const std::string part = form.content_range(); !part.empty()) out += " " + part;
    return out + " " + (form.length ? std::to_string(*form.length) : "?");
}

std::string head_for(std::string_view fields, std::vector<std::string> omit = {}) {
    const Request request("GET /\n" + std::string(fields));
    std::string storage = "what was there before";
    return std::string(
        head_of_form(decide_form(request, fetched(), noon), whole_head, omit, storage));
}

}  // namespace

TEST_CASE("a request makes of a 200 the whole, a 304, a 206 or a 416") {
    struct Row {
        const char* request;
        const char* expected;
    };
    const Row rows[] = {
        {"GET /\nX: y", "200 11"},
        {"GET /\nIf-None-Match: \"a\"", "304 0"},
        {"HEAD /\nIf-None-Match: \"a\"", "304 0"},
        {"GET /\nIf-None-Match: \"b\"", "200 11"},
        {"POST /\nIf-None-Match: \"a\"", "200 11"},
        {"GET /\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT", "304 0"},
        {"GET /\nIf-Modified-Since: Sun, 06 Nov 1994 07:59:59 GMT", "200 11"},
        {"GET /\nRange: bytes=0-4", "206 bytes 0-4/11 5"},
        {"GET /\nRange: bytes=-1", "206 bytes 10-10/11 1"},
        {"GET /\nRange: bytes=11-", "416 bytes */11 0"},
        {"GET /\nRange: bytes=0-1,5-6", "200 11"},
        {"HEAD /\nRange: bytes=0-4", "200 11"},
        {"GET /\nRange: bytes=0-4\nIf-Range: \"a\"", "206 bytes 0-4/11 5"},
        {"GET /\nRange: bytes=0-4\nIf-Range: \"b\"", "200 11"},
        // The condition comes first (RFC 9110, 13.2.2).
        {"GET /\nRange: bytes=0-4\nIf-None-Match: \"a\"", "304 0"},
        {"GET /\nRange: bytes=0-4\nIf-None-Match: \"b\"", "206 bytes 0-4/11 5"},
        {"GET /\nRange: bytes=99-\nIf-None-Match: \"a\"", "304 0"},
    };
    const auto stored = store(
        "200 OK\nCache-Control: max-age=9\nETag: \"a\"\nLast-Modified: Sun, 06 Nov 1994 "
        "08:00:00 GMT",
        "hello world");
    for (const Row& row : rows) {
        CAPTURE(std::string(row.request));
        const Request request(row.request);
        CHECK(text_of(decide_form(request, fetched(), noon)) == row.expected);
        CHECK(text_of(decide_form(request, *stored, noon)) == row.expected);
    }
}

TEST_CASE("only a 200 changes its form, and a range needs a known length") {
    const Request conditional("GET /\nIf-None-Match: \"a\"\nRange: bytes=0-4");
    for (const int status : {203, 204, 206, 304, 404, 500})
        CHECK(text_of(decide_form(conditional, fetched(11, status), noon)) ==
              std::to_string(status) + " 11");
    const Request range("GET /\nRange: bytes=0-4");
    CHECK(text_of(decide_form(range, fetched(std::nullopt), noon)) == "200 ?");
    CHECK(text_of(decide_form(conditional, fetched(std::nullopt), noon)) == "304 0");
}

TEST_CASE("Date is looked at of what is stored, not of what is being fetched") {
    const Request since("GET /\nIf-Modified-Since: " + std::string(noon_text));
    const auto undated = store("200 OK\nCache-Control: max-age=9", "meow");
    CHECK(decide_form(since, *undated, noon).status == 304);
    CHECK(decide_form(since, ResponseFacts(200, "", "", 4), noon).status == 200);

    const Request if_range("GET /\nRange: bytes=0-1\nIf-Range: " + std::string(noon_text));
    const auto weak =
        store("200 OK\nCache-Control: max-age=9\nLast-Modified: " + std::string(noon_text), "meow");
    CHECK(decide_form(if_range, *weak, noon).status == 200);
    CHECK(decide_form(if_range, ResponseFacts(200, "", noon_text, 4), noon).status == 206);
}

TEST_CASE("a 304 is sent without what describes the body (RFC 9110, 15.4.5)") {
    CHECK(head_for("If-None-Match: \"a\"") ==
          "HTTP/1.1 304 Not Modified\r\n"
          "ETag: \"a\"\r\n"
          "X-Account: 7\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

TEST_CASE("a 206 and a 416 end with Content-Range and their own length") {
    CHECK(head_for("Range: bytes=2-5") ==
          "HTTP/1.1 206 Partial Content\r\n"
          "Content-Type: text/plain\r\n"
          "ETag: \"a\"\r\n"
          "X-Account: 7\r\n"
          "Content-Encoding: gzip\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Content-Range: bytes 2-5/11\r\n"
          "Content-Length: 4\r\n");
    CHECK(head_for("Range: bytes=50-") ==
          "HTTP/1.1 416 Range Not Satisfiable\r\n"
          "ETag: \"a\"\r\n"
          "X-Account: 7\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Content-Range: bytes */11\r\n"
          "Content-Length: 0\r\n");
}

TEST_CASE("fields meant for another client are left out of every form") {
    const std::vector<std::string> omit{"x-account", "date"};
    CHECK(head_for("X: y", omit) ==
          "HTTP/1.1 200 OK\r\n"
          "Content-Type: text/plain\r\n"
          "ETag: \"a\"\r\n"
          "content-length: 11\r\n"
          "Content-Encoding: gzip\r\n"
          "Content-Range: bytes 1-2/3\r\n");
    CHECK(head_for("If-None-Match: \"a\"", omit) == "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n");
    CHECK(head_for("Range: bytes=0-0", omit).find("X-Account") == std::string::npos);
}

TEST_CASE("the whole is sent as it is, and costs no allocation") {
    const Request request("GET /\nHost: h\nIf-None-Match: \"x\", \"y\"");
    std::string storage;
    const std::size_t before = allocations();
    const ResponseForm form = decide_form(request, fetched(), noon);
    const std::string_view head = head_of_form(form, whole_head, {}, storage);
    BodyWindow window(form);
    const std::string_view body = window.cut("hello world");
    const std::size_t after = allocations();
    CHECK(after == before);
    CHECK(head.data() == whole_head.data());
    CHECK(body == "hello world");
}

TEST_CASE("a window passes the bytes of the form, however the body comes in pieces") {
    const std::string body = "hello world";
    const auto sent = [&](const char* fields, std::size_t piece_size) {
        const Request request(std::string("GET /\n") + fields);
        BodyWindow window(decide_form(request, fetched(), noon));
        std::string out;
        for (std::size_t at = 0; at < body.size(); at += piece_size)
            out += window.cut(std::string_view(body).substr(at, piece_size));
        return out;
    };
    for (const std::size_t size : {1, 2, 3, 5, 11, 20}) {
        CAPTURE(size);
        CHECK(sent("X: y", size) == "hello world");
        CHECK(sent("Range: bytes=0-4", size) == "hello");
        CHECK(sent("Range: bytes=4-6", size) == "o w");
        CHECK(sent("Range: bytes=10-", size) == "d");
        CHECK(sent("Range: bytes=99-", size).empty());
        CHECK(sent("If-None-Match: \"a\"", size).empty());
    }
}

TEST_CASE("a window tells when nothing more will be sent") {
    BodyWindow window(decide_form(Request("GET /\nRange: bytes=0-4"), fetched(), noon));
    CHECK(window.cut("hell") == "hell");
    CHECK_FALSE(window.passed());
    CHECK(window.cut("o w") == "o");
    CHECK(window.passed());
    BodyWindow whole(decide_form(Request("GET /"), fetched(std::nullopt), noon));
    CHECK(whole.cut("hello world") == "hello world");
    CHECK_FALSE(whole.passed());
}
