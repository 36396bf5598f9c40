#include <doctest/doctest.h>

#include <algorithm>

#include "instance.hpp"
#include "redis_server.hpp"

namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask list{"articles:list:0:20?x=1", {"articles:list:*"}, 18};

/// Whether the memory tier would still serve what it took.
bool holds(const Instance& at, const cache::Stored& entry) { return at.memory->is_current(*entry); }

/// How long invalidations took. On a busy machine one may be late; most must be within the promised
/// 50 ms.
struct Delays {
    std::vector<std::chrono::milliseconds> seen;
    void until(const std::function<bool()>& gone) {
        const SteadyTime start = steady_now();
        CHECK(eventually(gone, 1000ms));
        seen.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - start));
    }
    [[nodiscard]] std::chrono::milliseconds median() {
        std::sort(seen.begin(), seen.end());
        return seen[seen.size() / 2];
    }
};

struct Tracked {
    RedisServer redis;
    Instance one{redis.url(), 2};
    Tracked() {
        REQUIRE(one.wait_available());
        REQUIRE(eventually(
            [this] { return one.find(article, TestRequest(), 1).state == RedisState::ok; }));
        REQUIRE(one.wait_trusted());
    }

    std::shared_ptr<cache::Draft> tagged() {
        auto entry = response("x");
        entry->response_tags = {{"t", ""}};
        return entry;
    }
    /// An entry as the memory tier would take it, read or filled.
    cache::Stored take(bool by_fill) {
        std::shared_ptr<cache::Draft> entry;
        RedisStore::Filled filled;
        // After a flush the links first prove that they still lead to the same server.
        REQUIRE(eventually([&] {
            entry = tagged();
            filled = one.fill(list, one.lease(list, false), entry);
            return filled.outcome == FillOutcome::stored;
        }));
        CHECK(filled.tracked);
        if (by_fill) return cache::make_stored(*entry);
        Found found;
        REQUIRE(eventually([&] {
            found = one.find(list);
            return found.state == RedisState::ok;
        }));
        REQUIRE(found.entry);
        return found.entry;
    }
};

TEST_CASE_FIXTURE(Tracked, "whatever changes in Redis reaches the memory tier within 50 ms") {
    const std::vector<std::vector<std::string>> changes{
        {"DEL", "articles:list:0:20?x=1"},
        {"DEL", "larder:tag:articles:list:*"},
        {"DEL", "larder:ext:{articles:list:0:20}"},
        {"DEL", "larder:rtag:t"},
        {"PEXPIRE", "articles:list:0:20?x=1", "1"},
        {"HSET", "articles:list:0:20?x=1", "soft", "abc"},
        {"FLUSHALL"}};
    Delays delays;
    for (const auto& change : changes) {
        for (const bool by_fill : {true, false}) {
            CAPTURE(change.front());
            CAPTURE(change.back());
            CAPTURE(by_fill);
            // What Redis tells of the fill itself may come late, which costs the memory tier an
            // entry now and then.
            cache::Stored entry = take(by_fill);
            CHECK(eventually([&] {
                if (!holds(one, entry)) entry = take(by_fill);
                return holds(one, entry);
            }));
            redis.run(change);
            delays.until([&] { return !holds(one, entry); });
        }
    }
    CHECK(delays.median() < 50ms);
}

TEST_CASE_FIXTURE(Tracked, "another instance's purges reach the memory tier within 50 ms") {
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    Delays delays;
    for (store::PurgeOrder order :
         {purge_key("articles:list:0:20?x=1"), purge_key("articles:list:0:20"),
          purge_pattern("articles:list:*"), purge_tag("t")}) {
        for (const bool soft : {false, true}) {
            CAPTURE(soft);
            order.soft = soft;
            // The sweep after the last purge may still touch the key, which costs the memory tier
            // an entry now and then.
            cache::Stored entry = take(soft);
            CHECK(eventually([&] {
                if (!holds(one, entry)) entry = take(soft);
                return holds(one, entry);
            }));
            CHECK(two.purge(order) == store::PurgeOutcome::done);
            delays.until([&] { return !holds(one, entry); });
        }
    }
    CHECK(delays.median() < 50ms);
}

TEST_CASE_FIXTURE(Tracked,
                  "the process's own purges leave nothing in memory that Redis no longer tracks") {
    for (store::PurgeOrder order :
         {purge_key("articles:list:0:20?x=1"), purge_key("articles:list:0:20"),
          purge_pattern("articles:list:*"), purge_tag("t")}) {
        for (const bool soft : {false, true}) {
            order.soft = soft;
            const cache::Stored entry = take(true);
            CHECK(one.purge(order) == store::PurgeOutcome::done);
            CHECK_FALSE(holds(one, entry));
        }
    }
    const cache::Stored entry = take(true);
    store::PurgeOrder scan;
    scan.scan_patterns.push_back("articles:list*");
    CHECK(one.purge(scan) == store::PurgeOutcome::done);
    CHECK_FALSE(holds(one, entry));
}

TEST_CASE_FIXTURE(Tracked, "eviction reaches the memory tier") {
    const cache::Stored entry = take(false);
    redis.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    redis.run({"CONFIG", "SET", "maxmemory", "1mb"});
    redis.run({"SET", "filler", "x"});
    CHECK(eventually([&] { return !holds(one, entry); }, 1000ms));
}

TEST_CASE_FIXTURE(Tracked, "a read races a purge: what was read before never outlives it") {
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    for (int round = 0; round < 100; ++round) {
        REQUIRE(one.put(article, std::to_string(round)) == FillOutcome::stored);
        std::thread purger([&] { two.purge(purge_key("articles:42")); });
        const Found found = one.find(article, TestRequest(), round % 2);
        purger.join();
        if (found.entry) CHECK(eventually([&] { return !holds(one, found.entry); }, 1000ms));
    }
}

TEST_CASE_FIXTURE(Tracked, "without proof of every invalidation the memory tier is not trusted") {
    const cache::Stored entry = take(false);
    SUBCASE("Redis frozen: for at most a second") {
        redis.freeze();
        CHECK(eventually([&] { return one.shared->node().memory_trusted_until() < steady_now(); },
                         1000ms));
        redis.thaw();
        CHECK(one.wait_trusted());
    }
    SUBCASE("the subscriber lost") {
        redis.run({"CLIENT", "KILL", "TYPE", "pubsub"});
        CHECK(eventually([&] { return !holds(one, entry); }, 1000ms));
        CHECK(one.wait_trusted());
        CHECK(holds(one, take(false)));
    }
    SUBCASE("a data connection lost") {
        redis.run({"CLIENT", "KILL", "TYPE", "normal"});
        CHECK(eventually([&] { return !holds(one, entry); }, 1000ms));
        REQUIRE(one.wait_available());
        REQUIRE(
            eventually([&] { return one.find(list, TestRequest(), 1).state == RedisState::ok; }));
        CHECK(one.wait_trusted());
        const cache::Stored again = take(false);
        CHECK(holds(one, again));
        redis.run({"DEL", "articles:list:0:20?x=1"});
        CHECK(eventually([&] { return !holds(one, again); }, 1000ms));
    }
}

TEST_CASE("with room for one connection only the memory tier is never trusted") {
    RedisServer redis;
    Instance one(redis.url(), 1, [](settings::Redis& s) { s.max_connections = 1; });
    REQUIRE(one.wait_available());
    REQUIRE(one.put(article, "x") == FillOutcome::stored);
    CHECK_FALSE(one.wait_trusted(500ms));
    CHECK(one.get(article) == "x");
}

TEST_CASE_FIXTURE(Tracked,
                  "a change of which no news came, between lease and fill, is seen by the look") {
    const Ask absent{"articles:43"};
    // Redis knows the scripts, and an entry is there.
    take(true);
    const auto fill = [&](const Ask& ask, const Lease& lease) {
        return one.fill(ask, lease, response("x"));
    };
    SUBCASE("everything was purged") {
        const Lease lease = one.lease_absent(absent);
        REQUIRE(lease.untracked);
        redis.run({"DEL", "larder:all"});
        CHECK_FALSE(fill(absent, lease).tracked);
    }
    SUBCASE("everything was purged, and the look comes afterwards") {
        const Lease lease = one.lease(absent);
        redis.run({"DEL", "larder:all"});
        CHECK_FALSE(fill(absent, lease).tracked);
    }
    SUBCASE("the key was purged softly") {
        const Lease lease = one.lease(list);
        redis.run({"HSET", list.key, "soft", "0123456789abcdef"});
        auto entry = tagged();
        CHECK_FALSE(one.fill(list, lease, entry).tracked);
        CHECK(eventually([&] { return one.find(list).soft_purged; }));
    }
    SUBCASE("nothing happened") { CHECK(fill(absent, one.lease_absent(absent)).tracked); }
}

}  // namespace
}  // namespace larder::redis
