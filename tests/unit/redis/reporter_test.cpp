#include "redis/reporter.hpp"

#include <doctest/doctest.h>

#include "settings/redis_url.hpp"

namespace larder::redis {
namespace {

RedisConfig config_of(const std::string& url, int connections = 0, int workers = 4) {
    settings::Redis settings;
    std::string fault;
    settings.url = settings::parse_redis_url(url, fault).value();
    settings.max_connections = connections;
    return RedisConfig(std::move(settings), workers);
}

TEST_CASE("a trouble is counted, shown without secrets, and over when the same thing works") {
    const RedisConfig config = config_of("redis://larder:secret@127.0.0.1:6379/0");
    RedisReporter reporter(config);
    CHECK_FALSE(reporter.last_refusal());
    reporter.failed(RedisWork::store, RedisError::oom, "OOM no room for secret", "EVAL");
    CHECK(reporter.errors(RedisError::oom) == 1);
    CHECK(reporter.troubled(RedisWork::store));
    CHECK_FALSE(reporter.troubled(RedisWork::purge));
    REQUIRE(reporter.troubles().size() == 1);
    CHECK(reporter.troubles()[0].text.find("secret") == std::string::npos);
    reporter.works(RedisWork::purge);
    CHECK(reporter.troubled(RedisWork::store));
    reporter.works(RedisWork::store);
    CHECK_FALSE(reporter.troubled(RedisWork::store));
    CHECK(reporter.troubles().empty());
    CHECK(reporter.last_refusal()->reason == RedisError::oom);
}

TEST_CASE("what has no end of its own is counted, and is no trouble") {
    const RedisConfig config = config_of("redis://127.0.0.1");
    RedisReporter reporter(config);
    reporter.failed(RedisWork::other, RedisError::reply, "ERR whatever", {});
    reporter.count(RedisError::closed, 3);
    CHECK(reporter.errors(RedisError::reply) == 1);
    CHECK(reporter.errors(RedisError::closed) == 3);
    CHECK_FALSE(reporter.troubled(RedisWork::other));
    CHECK(reporter.troubles().empty());
}

TEST_CASE("redis.max_connections goes to a link, the subscriber, large values, then more links") {
    struct Case {
        int connections;
        int workers;
        int links;
        bool subscriber;
        bool bulk;
    };
    for (const Case& wanted :
         {Case{1, 4, 1, false, false}, Case{2, 4, 1, true, false}, Case{3, 4, 1, true, true},
          Case{6, 4, 4, true, true}, Case{100, 4, 4, true, true}, Case{0, 32, 32, true, true}}) {
        CAPTURE(wanted.connections);
        const RedisConfig config =
            config_of("redis://127.0.0.1", wanted.connections, wanted.workers);
        CHECK(config.links == wanted.links);
        CHECK(config.has_subscriber == wanted.subscriber);
        CHECK(config.has_bulk == wanted.bulk);
    }
}

TEST_CASE("the log names the server without user and password") {
    CHECK(config_of("redis://larder:secret@10.0.0.1:7000/3").server_text == "10.0.0.1:7000");
    CHECK(config_of("redis-sentinel://:pw@s1:1,s2:2/main").server_text ==
          "master main of sentinels s1:1,s2:2");
    CHECK_THROWS(config_of("http://10.0.0.1"));
}

}  // namespace
}  // namespace larder::redis
