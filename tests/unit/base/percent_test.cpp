#include "base/percent.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("a text is decoded once; a % without two hex digits is refused (RFC 3986, 2.1)") {
    std::string out;
    append_percent(out, '/');
    append_percent(out, 0xff);
    CHECK(out == "%2F%FF");
    CHECK(percent_decoded("a%2fb%2F%00%25") == std::string("a/b/\0%", 6));
    CHECK(percent_decoded("") == "");
    CHECK(percent_decoded("%2541") == "%41");
    for (const char* broken : {"%", "%4", "a%4", "%4g", "%g4", "%%41"})
        CHECK(percent_decoded(broken) == std::nullopt);
}

TEST_CASE("decoding byte by byte skips only the % of a malformed escape") {
    std::size_t at = 0;
    CHECK(next_decoded("%41b", at) == 'A');
    CHECK(at == 3);
    for (const char* malformed : {"%", "%4", "%4g", "%g4", "%%41"}) {
        CAPTURE(malformed);
        at = 0;
        CHECK(next_decoded(malformed, at) == malformed_percent);
        CHECK(at == 1);
    }
    at = 0;
    CHECK(next_decoded("\xff", at) == 0xff);
}
