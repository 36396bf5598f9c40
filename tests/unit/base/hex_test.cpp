#include "base/hex.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("hexadecimal digits of either case are read, lower-case ones written") {
    for (int value = 0; value < 16; ++value) {
        CHECK(hex_value(lower_hex_digits[static_cast<std::size_t>(value)]) == value);
        CHECK(hex_value(upper_hex_digits[static_cast<std::size_t>(value)]) == value);
    }
    for (char c : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) CHECK(hex_value(c) == -1);
    std::string out = "x";
    append_hex(out, 0x00);
    append_hex(out, 0xa5);
    CHECK(out == "x00a5");
    CHECK(hex_of(0) == "0000000000000000");
    CHECK(hex_of(0x0123456789abcdef) == "0123456789abcdef");
}

TEST_CASE("percent-encoding is taken back once, and a broken escape is told (RFC 3986, 2.1)") {
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
