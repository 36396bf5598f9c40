#include "base/hex.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("hexadecimal digits are read in either case and written in lower case") {
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
