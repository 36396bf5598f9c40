#include "base/host_port.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("a listen address is converted to its canonical form") {
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
        const auto address = parse_listen_address(text);
        REQUIRE(address.has_value());
        CHECK(to_text(*address) == expected);
    }
}

TEST_CASE("a malformed listen address is refused") {
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
        CHECK_FALSE(parse_listen_address(text).has_value());
    }
}

TEST_CASE("only 127/8, ::1 and localhost are loopback addresses") {
    for (const std::string text : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"})
        CHECK(is_loopback(*parse_listen_address(text)));
    for (const std::string text :
         {"0.0.0.0:1", ":1", "10.0.0.1:1", "[::]:1", "[::2]:1", "127.0.0.1.example.com:1",
          "localhost.example.com:1", "[::ffff:10.0.0.1]:1"}) {
        CAPTURE(text);
        CHECK_FALSE(is_loopback(*parse_listen_address(text)));
    }
}

TEST_CASE("the authority of a URL needs a host; the port is optional") {
    const std::pair<std::string, std::string> cases[] = {
        {"h", "h:80"},          {"H:1", "h:1"},           {"127.0.0.1", "127.0.0.1:80"},
        {"[0::1]", "[::1]:80"}, {"[::1]:99", "[::1]:99"}, {"[fe80::1%eth0]", "[fe80::1%eth0]:80"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        const auto address = parse_authority(text, 80);
        REQUIRE(address.has_value());
        CHECK(to_text(*address) == expected);
    }
    for (const std::string text :
         {"", ":80", "h:", "h:0", "h:65536", "h:x", "::1", "[::1", "[::1]x", "u@h", "h/", "a b"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_authority(text, 80).has_value());
    }
}

TEST_CASE("a Unix socket is an address to listen on") {
    const auto address = parse_listen_address("unix:/run/larder.sock");
    REQUIRE(address);
    CHECK(address->is_unix());
    CHECK_FALSE(address->is_ipv6());
    CHECK(address->host == "/run/larder.sock");
    CHECK(to_text(*address) == "unix:/run/larder.sock");
    CHECK(parse_listen_address("Unix:/run/larder.sock") == address);
    CHECK(is_loopback(*address));
    for (const std::string text : {"unix:", "unix:a", "UNIX:2", "unix:/", "unix:/a/"})
        CHECK_MESSAGE(!parse_listen_address(text), text);
    CHECK(parse_listen_address("unix:/" + std::string(106, 'a')));
    CHECK_FALSE(parse_listen_address("unix:/" + std::string(107, 'a')));
}
