#include "base/json_text.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace larder;

TEST_CASE("JSON numbers have the form that people write") {
    const std::pair<double, const char*> rows[] = {
        {0.999, "0.999"},
        {0.1, "0.1"},
        {0, "0"},
        {1, "1"},
        {60, "60"},
        {-0.5, "-0.5"},
        {1e-5, "0.00001"},
        {123456.789, "123456.789"},
        {1e14, "100000000000000"},
        {1e300, "1e+300"},
        {1.0 / 3, "0.3333333333333333"},
    };
    for (const auto& [value, text] : rows) {
        CHECK(json_text(value) == text);
        CHECK(boost::json::parse(text).to_number<double>() == value);
    }
    CHECK(json_text(std::numeric_limits<double>::infinity()) == "null");
    CHECK(json_text(std::numeric_limits<double>::denorm_min()).find("e-") != std::string::npos);
}

TEST_CASE("values other than fractions are written as Boost.JSON writes them") {
    const boost::json::value value = {{"a\"\n", {1, -2, 3.25, nullptr, true, "t\t"}},
                                      {"empty", boost::json::object{}},
                                      {"list", boost::json::array{}},
                                      {"big", 18446744073709551615u}};
    CHECK(
        json_text(value) ==
        R"({"a\"\n":[1,-2,3.25,null,true,"t\t"],"empty":{},"list":[],"big":18446744073709551615})");
    CHECK(json_text("text") == "\"text\"");
}

TEST_CASE("the text is valid JSON whatever bytes it is made of") {
    CHECK(json_text("/a\xff") == "\"/a\xef\xbf\xbd\"");
    CHECK(json_text({{"\xc3", "\x01"}}) == "{\"\xef\xbf\xbd\":\"\\u0001\"}");
}
