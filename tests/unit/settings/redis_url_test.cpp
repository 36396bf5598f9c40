#include "settings/redis_url.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::settings;

TEST_CASE("a Redis may be one server") {
    std::string fault;
    const auto plain = parse_redis_url("redis://127.0.0.1:6380/3", fault);
    REQUIRE(plain.has_value());
    CHECK(plain->kind == RedisUrl::Kind::tcp);
    CHECK(to_text(plain->addresses.at(0)) == "127.0.0.1:6380");
    CHECK(plain->database == 3);

    const auto bare = parse_redis_url("rediss://redis", fault);
    REQUIRE(bare.has_value());
    CHECK(bare->kind == RedisUrl::Kind::tls);
    CHECK(to_text(bare->addresses.at(0)) == "redis:6379");
    CHECK(bare->database == 0);

    const auto user = parse_redis_url("redis://larder:p%40ss%3A%2f:w@h/", fault);
    REQUIRE(user.has_value());
    CHECK(user->user == "larder");
    CHECK(user->password == "p@ss:/:w");

    const auto password = parse_redis_url("redis://:s3cret@[::1]:1", fault);
    REQUIRE(password.has_value());
    CHECK(password->user == "");
    CHECK(password->password == "s3cret");
    CHECK(to_text(password->addresses.at(0)) == "[::1]:1");
}

TEST_CASE("a Redis may be a socket, or named by sentinels") {
    std::string fault;
    const auto socket = parse_redis_url("unix:///run/redis/redis.sock?db=2", fault);
    REQUIRE(socket.has_value());
    CHECK(socket->kind == RedisUrl::Kind::unix_socket);
    CHECK(socket->path == "/run/redis/redis.sock");
    CHECK(socket->database == 2);
    CHECK(parse_redis_url("unix://:pw@/r.sock", fault)->password == "pw");

    const auto sentinel = parse_redis_url("redis-sentinel://:pw@h1:26380,h2/mymaster/4", fault);
    REQUIRE(sentinel.has_value());
    CHECK(sentinel->kind == RedisUrl::Kind::sentinel);
    CHECK(sentinel->addresses.size() == 2);
    CHECK(to_text(sentinel->addresses[0]) == "h1:26380");
    CHECK(to_text(sentinel->addresses[1]) == "h2:26379");
    CHECK(sentinel->master == "mymaster");
    CHECK(sentinel->database == 4);
}

// redis-cli -u takes what stands before '@' for the password where there is no colon, and
// HELLO or AUTH with a user alone does not exist.
TEST_CASE("a user without a colon is the password, as redis-cli reads it") {
    std::string fault;
    const auto url = parse_redis_url("redis://s3%3Acret@h", fault);
    REQUIRE(url.has_value());
    CHECK(url->user == "");
    CHECK(url->password == "s3:cret");
    CHECK(url->masked() == "redis://***@h");
    const auto no_password = parse_redis_url("redis://user:@h", fault);
    REQUIRE(no_password.has_value());
    CHECK(no_password->user == "user");
    CHECK(no_password->password == "");
}

TEST_CASE("schemes are read in any case, and a password may hold ? and @") {
    std::string fault;
    CHECK(parse_redis_url("UNIX:///run/a%20b@c", fault)->path == "/run/a b@c");
    CHECK(parse_redis_url("redis://u:p?w@h", fault)->password == "p?w");
    CHECK(parse_redis_url("rediss://u:a@b@h", fault)->password == "a@b");
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
        {"redis://s3cret%4@h", "percent sign"},
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
        {"redis-cluster://:s3cret@h1:7000,h2:7001/1", "database 0 only"},
        {"redis-cluster://:s3cret@", "expected host:port"},
        {"redis://:s3cret@h1:7000,h2:7001", "redis-cluster://"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        std::string fault;
        CHECK_FALSE(parse_redis_url(text, fault).has_value());
        CHECK(fault.find(expected) != std::string::npos);
        CHECK(fault.find("s3cret") == std::string::npos);
    }
}

TEST_CASE("the nodes of a cluster to begin with are a list, with one user and one password") {
    std::string fault;
    const auto url = parse_redis_url("rediss-cluster://u:pw@h1:7000,[::1]:7001,h3", fault);
    REQUIRE(url.has_value());
    CHECK(url->kind == RedisUrl::Kind::cluster);
    CHECK(url->secure);
    CHECK(url->addresses == std::vector<HostPort>{{"h1", 7000}, {"::1", 7001}, {"h3", 6379}});
    CHECK(url->user == "u");
    CHECK(url->password == "pw");
    CHECK(url->masked() == "rediss-cluster://u:***@h1:7000,[::1]:7001,h3");
    CHECK_FALSE(parse_redis_url("redis-cluster://h1:7000", fault)->secure);
    CHECK(parse_redis_url("rediss://h1", fault)->secure);
}

TEST_CASE("a masked URL shows everything but the password") {
    const std::pair<std::string, std::string> cases[] = {
        {"redis://h:1/0", "redis://h:1/0"},
        {"redis://u:pw@h:1/0", "redis://u:***@h:1/0"},
        {"redis://:p:w@h", "redis://:***@h"},
        {"redis://pw@h", "redis://***@h"},
        {"REDISS://pw@h", "REDISS://***@h"},
        {"redis://u:p@w@h", "redis://u:***@h"},
        {"unix:///a.sock?db=0", "unix:///a.sock?db=0"},
        {"unix:///a@b:c.sock", "unix:///a@b:c.sock"},
        {"unix://u:pw@/a.sock", "unix://u:***@/a.sock"},
        {"redis-sentinel://u:pw@h1:1,h2:2/m/0", "redis-sentinel://u:***@h1:1,h2:2/m/0"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        std::string fault;
        const auto url = parse_redis_url(text, fault);
        REQUIRE(url.has_value());
        CHECK(url->masked() == expected);
    }
}
