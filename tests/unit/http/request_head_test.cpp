#include <doctest/doctest.h>

#include <string>

#include "http/head_parser.hpp"

namespace larder::http {
namespace {

constexpr HeadLimits limits{.head_bytes = 512, .field_count = 8, .target_bytes = 100};

struct Parsed {
    HeadResult result;
    RequestHead head;
};

Parsed parse(std::string_view input, HeadStorage& storage) {
    Parsed out;
    out.result = parse_request_head(input, limits, storage, out.head);
    return out;
}

/// The parts of the head as one line of text.
std::string text_of(const RequestHead& head) {
    std::string out = std::string(head.method_name) + " " + std::string(head.path);
    if (head.has_query) out += "?" + std::string(head.query);
    out += " 1." + std::to_string(head.minor_version) + " @" + std::string(head.host);
    if (head.framing == Framing::length) out += " length " + std::to_string(head.content_length);
    if (head.framing == Framing::chunked) out += " chunked";
    if (!head.keep_alive) out += " close";
    if (head.expects_continue) out += " continue";
    return out;
}

/// Parses every prefix of the input. A result before the end must be that of the whole input.
void check_every_cut(std::string_view input, HeadStatus expected) {
    HeadStorage storage;
    for (std::size_t size = 0; size < input.size(); ++size) {
        const HeadStatus status = parse(input.substr(0, size), storage).result.status;
        CAPTURE(size);
        CHECK((status == HeadStatus::need_more || status == expected));
        if (expected == HeadStatus::complete) CHECK(status == HeadStatus::need_more);
    }
}

TEST_CASE("a request's head is parsed when its last byte has arrived") {
    const std::pair<std::string, std::string> cases[] = {
        {"GET /a/b?c=d HTTP/1.1\r\nHost: h:80\r\n\r\n", "GET /a/b?c=d 1.1 @h:80"},
        {"GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a? 1.1 @h"},
        {"GET / HTTP/1.0\r\n\r\n", "GET / 1.0 @ close"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 1.0 @"},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\n\r\n", "GET / 1.1 @h close"},
        {"GET http://h/p?q HTTP/1.1\r\nHost: other\r\n\r\n", "GET /p?q 1.1 @h"},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * 1.1 @h"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n", "POST / 1.1 @h length 12"},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
         "POST / 1.1 @h chunked"},
        {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
         "PUT / 1.1 @h length 1 continue"},
    };
    for (const auto& [input, expected] : cases) {
        CAPTURE(input);
        HeadStorage storage;
        const Parsed parsed = parse(input, storage);
        REQUIRE(parsed.result.status == HeadStatus::complete);
        CHECK(parsed.result.consumed == input.size());
        CHECK(text_of(parsed.head) == expected);
        check_every_cut(input, HeadStatus::complete);
    }
}

TEST_CASE("a head ends where the body or the next request begins") {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
    HeadStorage storage;
    const Parsed parsed = parse(head + "abcGET / HTTP/1.1\r\n", storage);
    CHECK(parsed.result.status == HeadStatus::complete);
    CHECK(parsed.result.consumed == head.size());
}

TEST_CASE("an ambiguous head is refused, in whole or byte by byte") {
    for (
        const std::string input : {
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        }) {
        CAPTURE(input);
        HeadStorage storage;
        const Parsed parsed = parse(input, storage);
        CHECK(parsed.result.status == HeadStatus::malformed);
        CHECK(std::string_view(parsed.result.why) != "");
        check_every_cut(input, HeadStatus::malformed);
    }
}

TEST_CASE("a head beyond a limit is refused, also before its end has arrived") {
    HeadStorage storage;
    const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
    CHECK(parse(start + "X: " + std::string(600, 'x'), storage).result.status ==
          HeadStatus::too_large);
    CHECK(parse("GET /" + std::string(600, 'x'), storage).result.status ==
          HeadStatus::target_too_long);
    std::string many = start;
    for (int i = 0; i < 8; ++i) many += "X: y\r\n";
    CHECK(parse(many + "\r\n", storage).result.status == HeadStatus::too_large);
    const std::string longest = "GET /" + std::string(99, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n";
    CHECK(parse(longest, storage).result.status == HeadStatus::complete);
    const std::string longer = "GET /" + std::string(100, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n";
    CHECK(parse(longer, storage).result.status == HeadStatus::target_too_long);
}

TEST_CASE("reused storage keeps nothing of the previous request") {
    HeadStorage storage;
    CHECK(text_of(parse("GET http://first/a HTTP/1.1\r\nHost: first\r\nCookie: 1\r\n\r\n", storage)
                      .head) == "GET /a 1.1 @first");
    const Parsed second = parse("GET /b HTTP/1.1\r\nHost: second\r\n\r\n", storage);
    CHECK(text_of(second.head) == "GET /b 1.1 @second");
    CHECK_FALSE(second.head.fields.has(FieldId::cookie));
}

}  // namespace
}  // namespace larder::http
