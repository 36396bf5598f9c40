#include "settings/addresses.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;

TEST_CASE("addresses come in their canonical form") {
    const std::pair<std::string, std::string> cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080"},
        {"localhost:80", "localhost:80"},
        {"LocalHost:80", "localhost:80"},
        {"[::1]:8080", "[::1]:8080"},
        {"[0:0::1]:8080", "[::1]:8080"},
        {"[fe80::1%eth0]:80", "[fe80::1%eth0]:80"},
        {":8080", "0.0.0.0:8080"},
        {"127.0.0.1:0", "127.0.0.1:0"},
        {"h:65535", "h:65535"},
        {"my_host-1.example:080", "my_host-1.example:80"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        const auto address = parse_address(text);
        REQUIRE(address.has_value());
        CHECK(address_text(*address) == expected);
    }
}

TEST_CASE("what is no address is refused") {
    for (const std::string text : {"",
                                   ":",
                                   "8080",
                                   "127.0.0.1",
                                   "127.0.0.1:",
                                   "127.0.0.1:65536",
                                   "127.0.0.1:-1",
                                   "127.0.0.1:+1",
                                   "127.0.0.1:8080 ",
                                   "127.0.0.1:8o",
                                   "256.0.0.1:80",
                                   "1.2.3:80",
                                   "::1:8080",
                                   "[::1]",
                                   "[::1]8080",
                                   "[::1:8080",
                                   "[]:80",
                                   "[127.0.0.1]:80",
                                   "[::1%]:80",
                                   "a b:80",
                                   "a/b:80",
                                   "h:000080",
                                   "*:80"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text).has_value());
    }
}

TEST_CASE("loopback is 127/8, ::1 and localhost, and nothing that looks like it") {
    for (const std::string text : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"})
        CHECK(is_loopback(*parse_address(text)));
    for (const std::string text :
         {"0.0.0.0:1", ":1", "10.0.0.1:1", "[::]:1", "[::2]:1", "127.0.0.1.example.com:1",
          "localhost.example.com:1", "[::ffff:10.0.0.1]:1"}) {
        CAPTURE(text);
        CHECK_FALSE(is_loopback(*parse_address(text)));
    }
}

TEST_CASE("networks come in their canonical form") {
    const std::pair<std::string, std::string> cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"}, {"127.0.0.1", "127.0.0.1/32"}, {"::1", "::1/128"},
        {"fd00:0::/8", "fd00::/8"},   {"0.0.0.0/0", "0.0.0.0/0"},    {"::/0", "::/0"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        const auto network = parse_network(text);
        REQUIRE(network.has_value());
        CHECK(network->text == expected);
        CHECK_FALSE(network->had_host_bits);
    }
    CHECK(parse_network("10.1.2.3/12")->text == "10.0.0.0/12");
    CHECK(parse_network("10.1.2.3/12")->had_host_bits);
    CHECK(parse_network("fd00::1/8")->text == "fd00::/8");
}

TEST_CASE("what is no network is refused") {
    for (const std::string text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                                   "10.0.0.0/8/8", "10.0.0/8", "::/129", "localhost", "localhost/8",
                                   "10.0.0.0/0x8", "10.0.0.0/00008", "[::1]/128", "all"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_network(text).has_value());
    }
}
