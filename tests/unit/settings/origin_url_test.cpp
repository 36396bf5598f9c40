#include "settings/origin_url.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;

TEST_CASE("an origin is a scheme, a host and a port") {
    const std::pair<std::string, std::string> cases[] = {
        {"http://127.0.0.1:8000", "http://127.0.0.1:8000"},
        {"http://api", "http://api:80"},
        {"https://api.example.com/", "https://api.example.com:443"},
        {"HTTP://API:8000", "http://api:8000"},
        {"http://[::1]:8000", "http://[::1]:8000"},
        {"http://[::1]", "http://[::1]:80"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        std::string fault;
        const auto url = parse_origin_url(text, fault);
        REQUIRE(url.has_value());
        CHECK(url->text() == expected);
        CHECK(fault == "");
    }
}

TEST_CASE("a wrong origin says what is wrong with it") {
    const std::pair<std::string, std::string> cases[] = {
        {"", "expected http://"},
        {"127.0.0.1:8000", "expected http://"},
        {"ftp://h", "expected http://"},
        {"http:/h", "expected http://"},
        {"http://", "expected host:port"},
        {"http://:80", "expected host:port"},
        {"http://h:0", "1 to 65535"},
        {"http://h:65536", "1 to 65535"},
        {"http://h:", "expected host:port"},
        {"http://h/v1", "keep their own"},
        {"http://h?x=1", "keep their own"},
        {"http://h#x", "keep their own"},
        {"http://u:p@h", "no user"},
        {"http://h//", "keep their own"},
        {"http://a b", "expected host:port"},
        {"http://[::1", "expected host"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        std::string fault;
        CHECK_FALSE(parse_origin_url(text, fault).has_value());
        CHECK(fault.find(expected) != std::string::npos);
    }
}

TEST_CASE("an origin may be on a Unix socket") {
    std::string fault;
    const auto url = parse_origin_url("http+unix:///run/api.sock", fault);
    REQUIRE(url);
    CHECK(url->server.is_unix());
    CHECK_FALSE(url->tls);
    CHECK(url->text() == "http+unix:///run/api.sock");
    for (const std::string text : {"http+unix://run/api.sock", "http+unix:///", "http+unix://"}) {
        CHECK_MESSAGE(!parse_origin_url(text, fault), text);
        CHECK(fault.find("three slashes") != std::string::npos);
    }
}
