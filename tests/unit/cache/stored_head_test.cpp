#include "cache/stored_head.hpp"

#include <doctest/doctest.h>

#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

constexpr std::string_view date_line = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string stored_head(std::string_view text, std::vector<std::string> omit = {},
                        std::vector<std::string> strip = {}) {
    std::string out;
    append_stored_head(Response(text), omit, strip, 4, noon, out);
    return out;
}

}  // namespace

TEST_CASE("fields are stored as they came but for those of the connection (RFC 9111, 3.1)") {
    CHECK(
        stored_head("200 OK\nx-ODD:  a b\nDate: d\nX-Odd: c\nContent-Length: 4\nEmpty:") ==
        "HTTP/1.1 200 OK\r\nx-ODD: a b\r\nDate: d\r\nX-Odd: c\r\nContent-Length: 4\r\nEmpty: \r\n");
    for (const char* name :
         {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
          "Upgrade", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info",
          "Age", "X-Cache"}) {
        CAPTURE(std::string(name));
        CHECK(stored_head(std::string("200 OK\n") + name + ": v\nB: c\nContent-Length: 4")
                  .find(": v\r") == std::string::npos);
    }
    for (const char* name : {"Test-Header",
                             "Content-Foo",
                             "Content-Encoding",
                             "Content-Location",
                             "Content-MD5",
                             "Content-Security-Policy",
                             "Content-Type",
                             "Clear-Site-Data",
                             "ETag",
                             "Expires",
                             "Cache-Control",
                             "CDN-Cache-Control",
                             "Public-Key-Pins",
                             "Set-Cookie2",
                             "X-Frame-Options",
                             "X-XSS-Protection",
                             "WWW-Authenticate",
                             "Cache-Status",
                             "Proxy-Status",
                             "Via",
                             "Vary",
                             "Last-Modified"}) {
        CAPTURE(std::string(name));
        CHECK(stored_head(std::string("200 OK\n") + name + ": val")
                  .find(std::string(name) + ": val\r\n") != std::string::npos);
    }
}

TEST_CASE("fields that Connection names are not stored (RFC 9110, 7.6.1)") {
    const std::string head = stored_head(
        "200 OK\nConnection: a, b\nA: 1\nb: 2\nC: 3\nConnection: cache-control\nCache-Control: "
        "x\nDate: d");
    CHECK(head ==
          "HTTP/1.1 200 OK\r\nC: 3\r\nCache-Control: x\r\nDate: d\r\nContent-Length: 4\r\n");
}

TEST_CASE("named fields are left out, whatever their case") {
    CHECK(stored_head("200 OK\nA: 1\nSet-Cookie: b\na: 2\nDate: d\nC: 3", {"a"}, {"set-cookie"}) ==
          "HTTP/1.1 200 OK\r\nDate: d\r\nC: 3\r\nContent-Length: 4\r\n");
}

TEST_CASE("Content-Length agrees with the body, Date is never missing") {
    const std::string start = "HTTP/1.1 200 OK\r\n";
    CHECK(stored_head("200 OK\nContent-Length: 5\nA: b") ==
          start + "A: b\r\n" + std::string(date_line) + "Content-Length: 4\r\n");
    CHECK(stored_head("200 OK\nContent-Length: 4\nContent-Length: 4\nDate: d") ==
          start + "Content-Length: 4\r\nDate: d\r\n");
    CHECK(stored_head("204 No Content\nContent-Length: 0\nDate: d") ==
          "HTTP/1.1 204 No Content\r\nDate: d\r\n");
    CHECK(stored_head("299 \nDate: d") == "HTTP/1.1 299 \r\nDate: d\r\nContent-Length: 4\r\n");
}

TEST_CASE("a stored head gives back its fields") {
    std::vector<http::Field> fields{{"old", "x"}};
    parse_stored_head("HTTP/1.1 200 OK\r\nA: 1\r\nETag: \"x:y\"\r\nEmpty: \r\n", fields);
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name == "A");
    CHECK(fields[1].value == "\"x:y\"");
    CHECK(fields[1].id == http::FieldId::etag);
    CHECK(fields[2].value.empty());
    parse_stored_head("HTTP/1.1 200 OK\r\n", fields);
    CHECK(fields.empty());
    parse_stored_head("", fields);
    CHECK(fields.empty());

    const auto stored = draft(
        "200 OK\nCache-Control: max-age=1\nETag: W/\"a\"\nLast-Modified: l\nContent-Encoding: "
        "gzip\n"
        "Content-Encoding: br");
    CHECK(stored->etag == "W/\"a\"");
    CHECK(stored->last_modified == "l");
    CHECK(stored->content_encoding == "gzip, br");
}

TEST_CASE("the cost of an entry counts all of its bytes") {
    const auto small = store("200 OK\nCache-Control: max-age=1", "");
    const auto large = store("200 OK\nCache-Control: max-age=1", std::string(10000, 'x'));
    CHECK(small->cost() >= sizeof(StoredResponse) + small->head().size());
    CHECK(large->cost() >= small->cost() + 10000);
    CHECK(large->cost() < small->cost() + 21000);
    Draft tagged = draft_of(parts_of(*large));
    tagged.tags.push_back({std::string(100, 't'), std::string(100, 'i')});
    CHECK(make_stored(tagged)->cost() >= small->cost() + 10200);
}
