#include "base/json_string.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

using namespace larder;
using namespace std::string_view_literals;

namespace {

std::string json_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

}  // namespace

TEST_CASE("any UTF-8 text reads back unchanged from its JSON string") {
    for (const std::string_view text : {""sv, "plain"sv, "\"quoted\" \\ back"sv, "a\0b\r\n\t"sv,
                                        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"sv}) {
        CAPTURE(text);
        CHECK(boost::json::parse(json_of(text)).as_string() == text);
    }
}

TEST_CASE("a JSON string stays on one line and cannot control a terminal") {
    CHECK(json_of("a\r\nb") == R"("a\u000d\u000ab")");
    CHECK(json_of("\x1b[2J\x7f") == R"("\u001b[2J\u007f")");
    CHECK(json_of("\xc2\x9b\xe2\x80\xa8") == R"("\u009b\u2028")");
}

TEST_CASE("a byte that is not UTF-8 becomes U+FFFD in a JSON string") {
    CHECK(json_of("a\xff") == R"("a\ufffd")");
    CHECK(json_of("\xc0\xaf") == R"("\ufffd\ufffd")");            // overlong
    CHECK(json_of("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
    CHECK(json_of("\xe2\x82") == R"("\ufffd\ufffd")");            // cut short
}
