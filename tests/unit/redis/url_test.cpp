#include "redis/url.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using Kind = RedisUrl::Kind;

TEST_CASE("URLs of Redis are taken apart") {
    struct Row {
        const char* text;
        Kind kind;
        const char* user;
        const char* password;
        const char* host;
        int port;
        unsigned database;
    };
    for (const Row& row :
         {Row{"redis://localhost", Kind::tcp, "", "", "localhost", 6379, 0},
          Row{"redis://127.0.0.1:7000/3", Kind::tcp, "", "", "127.0.0.1", 7000, 3},
          Row{"redis://:p%40ss@h/", Kind::tcp, "", "p@ss", "h", 6379, 0},
          Row{"redis://secret@h", Kind::tcp, "", "secret", "h", 6379, 0},
          Row{"rediss://u:a@b@[::1]:1/0", Kind::tls, "u", "a@b", "::1", 1, 0},
          Row{"redis://h?db=7", Kind::tcp, "", "", "h", 6379, 7},
          Row{"redis-sentinel://:x@a:1/mymaster/2", Kind::sentinel, "", "x", "a", 1, 2},
          Row{"redis-cluster://a:1,b:2", Kind::cluster, "", "", "a", 1, 0}}) {
        CAPTURE(row.text);
        const auto url = parse_redis_url(row.text);
        REQUIRE(url);
        CHECK(url->kind == row.kind);
        CHECK(url->user == row.user);
        CHECK(url->password == row.password);
        CHECK(url->addresses.at(0).host == row.host);
        CHECK(url->addresses.at(0).port == row.port);
        CHECK(url->database == row.database);
    }
    CHECK(parse_redis_url("redis-sentinel://a,b:5/m")->addresses.at(1).port == 5);
    CHECK(parse_redis_url("redis-sentinel://a,b:5/m")->master == "m");
    CHECK(parse_redis_url("unix:///run/redis.sock?db=1")->path == "/run/redis.sock");
    CHECK(parse_redis_url("unix:///run/redis.sock?db=1")->database == 1);
    CHECK(parse_redis_url("UNIX:///run/a%20b@c")->path == "/run/a b@c");
    CHECK(parse_redis_url("redis://u:p?w@h")->password == "p?w");
}

TEST_CASE("what is no URL of Redis is refused") {
    for (const char* text :
         {"", "http://h", "redis:/h", "redis://", "redis://h:0", "redis://h:65536", "redis://h:x",
          "redis://h/x", "redis://[::1", "redis://h/1/2", "redis://a%4@h", "unix://relative",
          "redis-sentinel://h", "redis-sentinel://h/", "redis-cluster://a,,b", "redis://h?db=-1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_redis_url(text));
    }
}

}  // namespace
}  // namespace larder::redis
