#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

#include "instance.hpp"
#include "redis_server.hpp"

// A large entry: a stub and a whole, read over a connection of its own.
namespace larder::redis {
namespace {

const Ask picture{"pictures:1", {"pictures:*"}};
const std::string body(300'000, 'p');

void as_it_is(settings::Redis& settings) { settings.compress = false; }

struct Large {
    RedisServer redis;
    Instance one{redis.url(), 2, as_it_is};
    Large() { REQUIRE(one.wait_available()); }

    /// The field of that kind ("v:", "b:") that the entry has; empty: none.
    [[nodiscard]] std::string field(const std::string& kind) const {
        const std::string fields = redis.run({"HKEYS", "pictures:1"});
        for (std::size_t at = 0; at < fields.size(); at = fields.find('\n', at) + 1)
            if (fields.compare(at, kind.size(), kind) == 0)
                return fields.substr(at, fields.find('\n', at) - at);
        return {};
    }
};

TEST_CASE_FIXTURE(Large, "a large entry is found whole, by every worker, and purged in one step") {
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    REQUIRE_FALSE(field("b:").empty());
    CHECK(std::stoul(redis.run({"HSTRLEN", "pictures:1", field("v:")})) < 2000);
    CHECK(one.get(picture) == body);
    const Found found = one.find(picture, TestRequest(), 1);
    REQUIRE(found.entry);
    CHECK(found.entry->body() == body);
    CHECK_FALSE(found.too_slow);
    CHECK(redis.run({"CLIENT", "LIST"}).find("larder-large") != std::string::npos);
    REQUIRE(one.purge(purge_key(picture.key)) == store::PurgeOutcome::done);
    CHECK(redis.run({"EXISTS", "pictures:1"}) == "0");
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    REQUIRE(one.purge(purge_pattern("pictures:*")) == store::PurgeOutcome::done);
    CHECK(one.get(picture).empty());
}

TEST_CASE_FIXTURE(Large, "storing a large entry is refused nothing") {
    // Then the links are tracked, as in service.
    REQUIRE(one.wait_trusted());
    for (int i = 0; i < 3; ++i) REQUIRE(one.put(picture, body) == FillOutcome::stored);
    CHECK_FALSE(one.shared->reporter().last_refusal());
}

TEST_CASE_FIXTURE(Large, "a connection that Redis has closed meanwhile is made anew") {
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    for (int i = 0; i < 3; ++i) {
        const std::string clients = redis.run({"CLIENT", "LIST"});
        const std::size_t line = clients.rfind("id=", clients.find("larder-large"));
        redis.run(
            {"CLIENT", "KILL", "ID", clients.substr(line + 3, clients.find(' ', line) - line - 3)});
        CHECK(one.get(picture) == body);
        CHECK(one.put(picture, body) == FillOutcome::stored);
    }
}

TEST_CASE_FIXTURE(Large, "a whole that is gone, or is another fill's, makes a miss") {
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    const std::string whole = field("b:");
    const std::string first = redis.run({"HGET", "pictures:1", whole});
    REQUIRE(one.put(picture, "another " + body) == FillOutcome::stored);
    CHECK(one.get(picture) == "another " + body);
    redis.run({"HSET", "pictures:1", whole, first});
    CHECK(one.get(picture).empty());
    redis.run({"HDEL", "pictures:1", whole});
    CHECK(one.get(picture).empty());
    CHECK_FALSE(one.find(picture).too_slow);
}

TEST_CASE_FIXTURE(Large, "an entry that has become small leaves no whole behind") {
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    REQUIRE(one.put(picture, "small") == FillOutcome::stored);
    CHECK(field("b:").empty());
    CHECK(one.get(picture) == "small");
}

TEST_CASE_FIXTURE(Large, "a fetch that began before a purge does not store a large answer either") {
    const Lease lease = one.lease(picture);
    REQUIRE(one.purge(purge_key(picture.key)) == store::PurgeOutcome::done);
    CHECK(one.fill(picture, lease, response(body)).outcome == FillOutcome::purged);
    CHECK(redis.run({"EXISTS", "pictures:1"}) == "0");
}

TEST_CASE_FIXTURE(
    Large,
    "what is too slow to read is kept in memory only if nothing was purged since the fetch began") {
    REQUIRE(one.wait_trusted());
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    const std::string mark = redis.run({"HGET", "pictures:1", "larder:fill"});
    Lease lease = one.lease(picture);
    const auto fill = [&](const Lease& under) {
        return one.fill(picture, under, response("new " + body), TestRequest(), 0,
                        RedisStore::Older::left);
    };
    const RedisStore::Filled kept = fill(lease);
    CHECK(kept.outcome == FillOutcome::stored);
    CHECK(kept.tracked);
    CHECK(redis.run({"HGET", "pictures:1", "larder:fill"}) == mark);

    lease = one.lease(picture);
    REQUIRE(one.purge(purge_key(picture.key)) == store::PurgeOutcome::done);
    CHECK_FALSE(fill(lease).tracked);
    REQUIRE(one.put(picture, body) ==
            FillOutcome::stored);  // an entry is there again: the guard tells
    CHECK_FALSE(fill(lease).tracked);

    lease = one.lease(picture);
    REQUIRE(one.purge(purge_pattern("pictures:*")) == store::PurgeOutcome::done);
    CHECK_FALSE(fill(lease).tracked);
}

TEST_CASE("where there may be two connections only, large values go over the others' ") {
    RedisServer redis;
    Instance one(redis.url(), 1, [](settings::Redis& settings) {
        settings.compress = false;
        settings.max_connections = 2;
    });
    REQUIRE(one.wait_available());
    REQUIRE(one.put(picture, body) == FillOutcome::stored);
    CHECK(one.get(picture) == body);
    CHECK(redis.run({"CLIENT", "LIST"}).find("larder-large") == std::string::npos);
}

// The ids of larder's connections but that for large values, as Redis numbers them.
std::set<std::string> connections(RedisServer& redis) {
    std::set<std::string> ids;
    std::istringstream lines(redis.run({"CLIENT", "LIST"}));
    for (std::string line; std::getline(lines, line);)
        if (line.find(" name=larder") != line.npos && line.find(" name=larder-large") == line.npos)
            ids.insert(line.substr(0, line.find(' ')));
    return ids;
}

TEST_CASE_FIXTURE(Large,
                  "a large value that is refused is no failure of the connections, and is named") {
    redis.run({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
    const Lease lease = one.lease(picture);
    redis.run({"CONFIG", "SET", "maxmemory", "1mb"});
    const std::set<std::string> before = connections(redis);
    CHECK(one.fill(picture, lease, response(body)).outcome == FillOutcome::unavailable);
    CHECK(connections(redis) == before);
    CHECK(before.size() >= 2);
    REQUIRE(one.shared->reporter().last_refusal());
    CHECK(one.shared->reporter().last_refusal()->reason == RedisError::oom);
    redis.run({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(one.put(picture, body) == FillOutcome::stored);
    CHECK(one.shared->reporter().troubles().empty());
}

}  // namespace
}  // namespace larder::redis
