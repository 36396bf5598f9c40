#include <doctest/doctest.h>

#include "instance.hpp"
#include "redis_server.hpp"

// How the purges that wait for Redis get there when some of them do not get through.
namespace larder::redis {
namespace {

const Ask article{"a:42"};

/// A server whose user may not touch the keys of "b:...", until it is allowed.
struct Restricted {
    RedisServer redis{{"--user", "default", "on", "nopass", "~larder:*", "~a:*", "&*", "+@all"}};

    void allow() const { CHECK(redis.run({"ACL", "SETUSER", "default", "allkeys"}) == "OK"); }
    /// How many scripts it has run or refused.
    [[nodiscard]] int scripts() const {
        const std::string said = redis.run({"INFO", "commandstats"});
        int total = 0;
        for (const char* name : {"cmdstat_eval:", "cmdstat_evalsha:"}) {
            const std::size_t line = said.find(name);
            if (line == said.npos) continue;
            total += number_behind(said, "calls=", line);
            total += number_behind(said, "rejected_calls=", line);
        }
        return total;
    }

private:
    static int number_behind(const std::string& text, const std::string& name, std::size_t from) {
        return std::stoi(text.substr(text.find(name, from) + name.size()));
    }
};

/// Keys that may be purged, and one behind them that may not.
std::vector<PurgeItem> purges(int allowed) {
    std::vector<PurgeItem> items;
    for (int i = 0; i < allowed; ++i)
        items.push_back({PurgeItem::Kind::key, false, "a:" + std::to_string(i)});
    items.push_back({PurgeItem::Kind::key, false, "b:1"});
    return items;
}

bool fails(const Instance& one, std::uint64_t times) {
    const auto before = one.shared->reporter().errors(RedisError::noperm);
    return eventually(
        [&] { return one.shared->reporter().errors(RedisError::noperm) >= before + times; }, 5s);
}

TEST_CASE(
    "a replay goes on behind what the server has acknowledged, and a new server begins anew") {
    Restricted server;
    server.redis.kill();
    Instance one(server.redis.url());
    one.shared->history().remember(purges(300), steady_now());
    for (const bool again : {false, true}) {
        CAPTURE(again);
        if (again) server.redis.kill();
        server.redis.start();
        REQUIRE(fails(one, 20));
        CHECK(server.scripts() >= 300);
        // Each of the twenty tries would be 301 scripts.
        CHECK(server.scripts() < 1200);
        CHECK(one.find(article).state == RedisState::down);
    }
    server.allow();
    CHECK(one.wait_available());
}

TEST_CASE("what is owed is delivered as far as it gets, and nothing is read until all is done") {
    const Restricted server;
    Instance one(server.redis.url());
    REQUIRE(one.wait_available());
    one.shared->journal().add(purges(300));
    one.shared->wake_maintenance();
    CHECK(eventually([&] { return one.shared->journal().size() == 1; }));
    REQUIRE(fails(one, 3));
    CHECK(one.shared->journal().size() == 1);
    CHECK(one.find(article).state == RedisState::down);
    server.allow();
    CHECK(one.wait_available());
    CHECK(one.shared->journal().empty());
}

TEST_CASE("many purges send a script's text once, also to a server that does not know the script") {
    const RedisServer redis;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    // A small batch is sent by digests first, and all of them are refused.
    for (const auto& [keys, by_digest] : {std::pair{200, 199}, std::pair{20, 20 + 19}}) {
        CAPTURE(keys);
        redis.run({"SCRIPT", "FLUSH"});
        redis.run({"CONFIG", "RESETSTAT"});
        store::PurgeOrder order;
        for (int i = 0; i < keys; ++i) order.set.keys.push_back("a:" + std::to_string(i));
        REQUIRE(one.purge(order) == store::PurgeOutcome::done);
        const std::string said = redis.run({"INFO", "commandstats"});
        CHECK(said.find("cmdstat_eval:calls=1,") != said.npos);
        CHECK(said.find("cmdstat_evalsha:calls=" + std::to_string(by_digest) + ",") != said.npos);
    }
}

}  // namespace
}  // namespace larder::redis
