#include "http/canonical_json.hpp"

#include <doctest/doctest.h>

using larder::http::CanonicalJson;

namespace {

std::string canonical(std::string_view text) {
    const auto json = CanonicalJson::parse(text);
    return json ? json->text() : "(unusable)";
}

std::string at(std::string_view text, std::string_view pointer) {
    const auto json = CanonicalJson::parse(text);
    REQUIRE(json);
    return json->text_at(pointer).value_or("(absent)");
}

}  // namespace

TEST_CASE("the example of RFC 8785, 3.2.2") {
    CHECK(canonical("{\n"
                    "  \"numbers\": [333333333.33333329, 1E30, 4.50,\n"
                    "              2e-3, 0.000000000000000000000000001],\n"
                    "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                    "  \"literals\": [null, true, false]\n"
                    "}") ==
          "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
          "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST_CASE("the example of RFC 8785, 3.2.3: names are sorted by their UTF-16 code units") {
    CHECK(canonical("{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\","
                    "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\","
                    "\"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\","
                    "\"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}") ==
          "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
          "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
          "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
          "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST_CASE("numbers are written as in RFC 8785, appendix B") {
    CHECK(canonical("0") == "0");
    CHECK(canonical("-0") == "0");
    CHECK(canonical("-0.0e5") == "0");
    CHECK(canonical("5e-324") == "5e-324");
    CHECK(canonical("-5e-324") == "-5e-324");
    CHECK(canonical("1.7976931348623157e308") == "1.7976931348623157e+308");
    CHECK(canonical("9007199254740992") == "9007199254740992");
    CHECK(canonical("295147905179352830000") == "295147905179352830000");
    CHECK(canonical("9.999999999999997e22") == "9.999999999999997e+22");
    CHECK(canonical("1e23") == "1e+23");
    CHECK(canonical("1e21") == "1e+21");
    CHECK(canonical("999999999999999900000") == "999999999999999900000");
    CHECK(canonical("333333333.3333332") == "333333333.3333332");
    CHECK(canonical("0.000001") == "0.000001");
    CHECK(canonical("0.0000001") == "1e-7");
    CHECK(canonical("-123.456e1") == "-1234.56");
    CHECK(canonical("100") == "100");
    CHECK(canonical("1424953923781206.2") == "1424953923781206.2");
}

TEST_CASE("order, spacing and spelling make no difference, values do") {
    CHECK(canonical(" {\"b\" : 1.0,\t\"a\":[ ] }\r\n") == "{\"a\":[],\"b\":1}");
    CHECK(canonical("{\"a\":[],\"b\":1}") == "{\"a\":[],\"b\":1}");
    CHECK(canonical("\"\\u0041\"") == canonical("\"A\""));
    CHECK(canonical("[1,2]") != canonical("[2,1]"));
    CHECK(canonical("1") != canonical("\"1\""));
    CHECK(canonical("\"\x7f\"") == "\"\x7f\"");
}

TEST_CASE("what readers may understand differently is unusable") {
    for (const std::string_view text : {"",
                                        " ",
                                        "{",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "01",
                                        "+1",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "nul",
                                        "truefalse",
                                        "[1 2]",
                                        "\"a",
                                        "\"\t\"",
                                        "\"\\x\"",
                                        "\"\\u12g4\"",
                                        "'a'",
                                        "NaN",
                                        "1 2",
                                        "//",
                                        "{\"a\":1,\"a\":1}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\ud800\"",
                                        "\"\\ud800x\"",
                                        "\"\xff\"",
                                        "\"\xc0\xaf\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\"\xe2\x82\"",
                                        "\xef\xbb\xbf{}",
                                        "1e400",
                                        "1e-400",
                                        "3.141592653589793238"})
        CHECK_MESSAGE(canonical(text) == "(unusable)", text);
}

TEST_CASE("nesting has a bound") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(canonical(nested(64)) == nested(64));
    CHECK(canonical(nested(66)) == "(unusable)");
    CHECK(canonical(std::string(60000, '[')) == "(unusable)");
}

TEST_CASE("numbers beyond 2^53 are not exact") {
    CHECK(CanonicalJson::parse("9007199254740991")->is_exact());
    CHECK(CanonicalJson::parse("-9007199254740991")->is_exact());
    CHECK_FALSE(CanonicalJson::parse("9007199254740993")->is_exact());
    CHECK_FALSE(CanonicalJson::parse("[1,{\"a\":-9007199254740993}]")->is_exact());
    CHECK_FALSE(CanonicalJson::parse("1e30")->is_exact());
}

TEST_CASE("a pointer leads to the canonical text of a value (RFC 6901, 5)") {
    constexpr std::string_view text =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\" \":7,\"o\":{\"y\":2,\"x\":1.0}}";
    CHECK(at(text, "/foo/0") == "\"bar\"");
    CHECK(at(text, "/") == "0");
    CHECK(at(text, "/a~1b") == "1");
    CHECK(at(text, "/m~0n") == "8");
    CHECK(at(text, "/ ") == "7");
    CHECK(at(text, "/o") == "{\"x\":1,\"y\":2}");
    CHECK(at(text, "/foo/00") == "(absent)");
    CHECK(at(text, "/foo/2") == "(absent)");
    CHECK(at(text, "/foo/-") == "(absent)");
    CHECK(at(text, "/nothing/there") == "(absent)");
    CHECK(at("1", "/a") == "(absent)");
    CHECK(at("[1]", "") == "[1]");
}
