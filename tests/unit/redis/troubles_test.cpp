#include "redis/troubles.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::redis;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{1h};

RedisTrouble trouble(RedisWork work, RedisError reason,
                     std::string text = "OOM command not allowed") {
    RedisTrouble out;
    out.work = work;
    out.reason = reason;
    out.text = std::move(text);
    out.command = "EVAL";
    out.remedy = "give it more";
    return out;
}

}  // namespace

TEST_CASE("a change is one line, in both directions, however often it is seen") {
    RedisTroubles troubles;
    const auto line = troubles.failed(trouble(RedisWork::store, RedisError::oom), start);
    REQUIRE(line);
    CHECK_FALSE(line->good);
    CHECK(line->text ==
          "does not store; what is stored is still served and purged: OOM command not allowed "
          "(EVAL); give it more");
    for (int i = 1; i < 1000; ++i)
        CHECK_FALSE(troubles.failed(trouble(RedisWork::store, RedisError::oom), start + i * 10ms));
    REQUIRE(troubles.present().size() == 1);
    CHECK(troubles.present().front().since == start);
    const auto end = troubles.works(RedisWork::store, start + 12s);
    REQUIRE(end);
    CHECK(end->good);
    CHECK(end->text == "stores again, after 12.0 s");
    CHECK(troubles.present().empty());
    CHECK_FALSE(troubles.works(RedisWork::store, start + 13s));
    REQUIRE(troubles.last());
    CHECK(troubles.last()->reason == RedisError::oom);
}

TEST_CASE("another reason is another line") {
    RedisTroubles troubles;
    CHECK(troubles.failed(trouble(RedisWork::use, RedisError::connect), start));
    CHECK(troubles.failed(trouble(RedisWork::use, RedisError::loading), start + 1s));
    CHECK_FALSE(troubles.failed(trouble(RedisWork::use, RedisError::loading), start + 2s));
    CHECK(troubles.failed(trouble(RedisWork::purge, RedisError::oom), start + 2s)->grave);
    CHECK(troubles.present().size() == 2);
}

TEST_CASE("what changes all the time gets few lines, and a last one that is true") {
    RedisTroubles troubles;
    int lines = 0;
    SteadyTime now = start;
    for (int i = 0; i < 1000; ++i) {
        lines += troubles.failed(trouble(RedisWork::store, RedisError::oom), now) ? 1 : 0;
        now += 30ms;
        lines += troubles.works(RedisWork::store, now) ? 1 : 0;
        now += 30ms;
    }
    CHECK(lines >= 6);
    CHECK(lines <= 13);  // in a minute
    // It stays away: said as soon as there is room for a line.
    bool said = false;
    for (int i = 0; i < 200; ++i)
        said |=
            troubles.failed(trouble(RedisWork::store, RedisError::oom), now += 100ms).has_value();
    CHECK(said);
}

TEST_CASE("what has no end of its own is remembered, and not a line") {
    RedisTroubles troubles;
    CHECK_FALSE(troubles.failed(trouble(RedisWork::other, RedisError::reply), start));
    CHECK(troubles.present().empty());
    CHECK(troubles.last());
}
