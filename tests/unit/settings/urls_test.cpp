#include "settings/urls.hpp"

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
        CHECK(origin_url_text(*url) == expected);
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

TEST_CASE("a Redis may be one server") {
    std::string fault;
    const auto plain = parse_redis_url("redis://127.0.0.1:6380/3", fault);
    REQUIRE(plain.has_value());
    CHECK(plain->kind == RedisUrl::Kind::single);
    CHECK_FALSE(plain->tls);
    CHECK(address_text(plain->servers.at(0)) == "127.0.0.1:6380");
    CHECK(plain->database == 3);

    const auto bare = parse_redis_url("rediss://redis", fault);
    REQUIRE(bare.has_value());
    CHECK(bare->tls);
    CHECK(address_text(bare->servers.at(0)) == "redis:6379");
    CHECK(bare->database == 0);

    const auto user = parse_redis_url("redis://larder:p%40ss%3A%2f:w@h/", fault);
    REQUIRE(user.has_value());
    CHECK(user->user == "larder");
    CHECK(user->password == "p@ss:/:w");

    const auto password = parse_redis_url("redis://:s3cret@[::1]:1", fault);
    REQUIRE(password.has_value());
    CHECK(password->user == "");
    CHECK(password->password == "s3cret");
    CHECK(address_text(password->servers.at(0)) == "[::1]:1");
}

TEST_CASE("a Redis may be a socket, sentinels or a cluster") {
    std::string fault;
    const auto socket = parse_redis_url("unix:///run/redis/redis.sock?db=2", fault);
    REQUIRE(socket.has_value());
    CHECK(socket->kind == RedisUrl::Kind::unix_socket);
    CHECK(socket->socket == "/run/redis/redis.sock");
    CHECK(socket->database == 2);
    CHECK(parse_redis_url("unix://:pw@/r.sock", fault)->password == "pw");

    const auto sentinel = parse_redis_url("redis-sentinel://:pw@h1:26380,h2/mymaster/4", fault);
    REQUIRE(sentinel.has_value());
    CHECK(sentinel->kind == RedisUrl::Kind::sentinel);
    CHECK(sentinel->servers.size() == 2);
    CHECK(address_text(sentinel->servers[0]) == "h1:26380");
    CHECK(address_text(sentinel->servers[1]) == "h2:26379");
    CHECK(sentinel->master == "mymaster");
    CHECK(sentinel->database == 4);

    const auto cluster = parse_redis_url("redis-cluster://h1:7000,h2:7001", fault);
    REQUIRE(cluster.has_value());
    CHECK(cluster->kind == RedisUrl::Kind::cluster);
    CHECK(cluster->servers.size() == 2);
    CHECK(fault == "");
}

TEST_CASE("a wrong Redis URL says what is wrong, and never the password") {
    const std::pair<std::string, std::string> cases[] = {
        {"", "expected redis://"},
        {"http://h", "expected redis://"},
        {"redis:h", "expected redis://"},
        {"redis://", "expected host:port"},
        {"redis:///0", "expected host:port"},
        {"redis://h:0", "expected host:port"},
        {"redis://h:99999", "expected host:port"},
        {"redis://h1,h2", "redis-sentinel://"},
        {"redis://h/x", "number of a database"},
        {"redis://h/-1", "number of a database"},
        {"redis://h/0/0", "number of a database"},
        {"redis://h/99999999999", "number of a database"},
        {"redis://h?db=1", "expected host:port"},
        {"redis://s3cret@h", "user without a password"},
        {"redis://u:s3cret%zz@h", "percent sign"},
        {"redis://u:s3cret%4@h", "percent sign"},
        {"redis://u:s3cret@", "expected host:port"},
        {"unix://", "unix:///path"},
        {"unix://relative.sock", "unix:///path"},
        {"unix:///r.sock?database=1", "?db=NUMBER"},
        {"unix:///r.sock?db=x", "number of a database"},
        {"redis-sentinel://h:1", "master's name"},
        {"redis-sentinel://h:1//0", "master's name"},
        {"redis-sentinel://h:1,/m", "expected host:port"},
        {"redis-cluster://h:1/1", "database 0 only"},
        {"redis-cluster://h:1,,h:2", "expected host:port"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        std::string fault;
        CHECK_FALSE(parse_redis_url(text, fault).has_value());
        CHECK(fault.find(expected) != std::string::npos);
        CHECK(fault.find("s3cret") == std::string::npos);
    }
}

TEST_CASE("a masked URL shows everything but the password") {
    CHECK(mask_password("redis://h:1/0") == "redis://h:1/0");
    CHECK(mask_password("redis://u:pw@h:1/0") == "redis://u:***@h:1/0");
    CHECK(mask_password("redis://:p:w@h") == "redis://:***@h");
    CHECK(mask_password("unix:///a.sock?db=0") == "unix:///a.sock?db=0");
    CHECK(mask_password("redis-sentinel://u:pw@h1:1,h2:2/m/0") ==
          "redis-sentinel://u:***@h1:1,h2:2/m/0");
    CHECK(mask_password("redis://u:p@w@h") == "redis://u:***@h");
}
