#include "base/network.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("a network is converted to its canonical form") {
    const std::pair<std::string, std::string> cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"}, {"127.0.0.1", "127.0.0.1/32"}, {"::1", "::1/128"},
        {"fd00:0::/8", "fd00::/8"},   {"0.0.0.0/0", "0.0.0.0/0"},    {"::/0", "::/0"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        const auto network = parse_network(text);
        REQUIRE(network.has_value());
        CHECK(to_text(*network) == expected);
        CHECK(network->canonical() == *network);
    }
    CHECK(to_text(*parse_network("10.1.2.3/12")) == "10.1.2.3/12");
    CHECK(to_text(parse_network("10.1.2.3/12")->canonical()) == "10.0.0.0/12");
    CHECK(to_text(parse_network("fd00::1/8")->canonical()) == "fd00::/8");
}

TEST_CASE("a malformed network is refused") {
    for (const std::string text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                                   "10.0.0.0/8/8", "10.0.0/8", "::/129", "localhost", "localhost/8",
                                   "10.0.0.0/0x8", "10.0.0.0/00008", "[::1]/128", "all"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_network(text).has_value());
    }
}
