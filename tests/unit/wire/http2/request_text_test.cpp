#include "wire/http2/request_text.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace larder::wire::http2 {
namespace {

using Verdict = RequestText::Verdict;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

struct Written {
    Verdict verdict;
    std::string text;
};

Written write(const Pairs& pairs, std::size_t bytes_max = 1000) {
    RequestText request;
    request.begin(bytes_max);
    for (const auto& [name, value] : pairs) CHECK(request.add(name, value));
    Written written{request.finish(), {}};
    if (written.verdict == Verdict::complete) request.swap_text(written.text);
    return written;
}

Pairs get(std::string_view path, const Pairs& more = {}) {
    Pairs pairs{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    return pairs;
}

}  // namespace

TEST_CASE("a request of HTTP/2 is written as one of HTTP/1.1") {
    CHECK(write(get("/x?y", {{"accept", "*/*"}, {"x-own", ""}})).text ==
          "GET /x?y HTTP/1.1\r\nhost: a\r\naccept: */*\r\nx-own: \r\n\r\n");
    CHECK(write({{":method", "OPTIONS"}, {":scheme", "https"}, {":path", "*"}, {"host", "b:1"}})
              .text == "OPTIONS * HTTP/1.1\r\nhost: b:1\r\n\r\n");
    CHECK(write({{":method", "CONNECT"}, {":authority", "a:443"}}).text ==
          "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
}

TEST_CASE("cookies become one field, and te is not written") {
    CHECK(write(get("/", {{"cookie", "a=1"}, {"te", "trailers"}, {"x", "y"}, {"cookie", "b=2"}}))
              .text == "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\ncookie: a=1; b=2\r\n\r\n");
}

TEST_CASE("authority and host have to agree") {
    CHECK(write(get("/", {{"host", "A"}})).text == "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK(write(get("/", {{"host", "b"}})).verdict == Verdict::malformed);
    CHECK(write(get("/", {{"host", "a"}, {"host", "a"}})).verdict == Verdict::malformed);
}

TEST_CASE("what would be read back as something else is malformed") {
    for (const std::string_view path : {"", "x", "http://b/", "/x y", "/x\r\nhost: b", "/\x01"})
        CHECK(write(get(path)).verdict == Verdict::malformed);
    for (const std::string_view method : {"", "GET ", "G\r\nT", "G:T"})
        CHECK(write({{":method", method}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}})
                  .verdict == Verdict::malformed);
    for (const std::string_view authority : {"a b", "a\r\nx: y", "\t"})
        CHECK(write({{":method", "GET"},
                     {":scheme", "http"},
                     {":authority", authority},
                     {":path", "/"}})
                  .verdict == Verdict::malformed);
    for (const std::string_view scheme : {"", "ftp", "http\r\n"})
        CHECK(write({{":method", "GET"}, {":scheme", scheme}, {":authority", "a"}, {":path", "/"}})
                  .verdict == Verdict::malformed);
}

TEST_CASE("a large head is noted, and not kept") {
    const std::string large(600, 'x');
    CHECK(write(get("/", {{"a", large}, {"b", large}})).verdict == Verdict::too_large);
    CHECK(write(get(large + large)).verdict == Verdict::target_too_long);
    CHECK(write(get("/", {{"a", large}})).verdict == Verdict::complete);
}

TEST_CASE("a head that unpacks to many times the limit shows harm") {
    RequestText request;
    request.begin(1000);
    const std::string large(900, 'x');
    int taken = 0;
    while (request.add("a", large)) ++taken;
    CHECK(taken < 10);
}

TEST_CASE("nothing of one request is in the next") {
    RequestText request;
    for (const auto& [path, wanted] : {std::pair{"/a", "GET /a HTTP/1.1\r\nhost: a\r\n\r\n"},
                                       std::pair{"/b", "GET /b HTTP/1.1\r\nhost: a\r\n\r\n"}}) {
        request.begin(1000);
        for (const auto& [name, value] : get(path)) CHECK(request.add(name, value));
        CHECK(request.finish() == Verdict::complete);
        std::string text;
        request.swap_text(text);
        CHECK(text == wanted);
    }
}

}  // namespace larder::wire::http2
