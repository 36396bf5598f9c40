#include <doctest/doctest.h>

#include "instance.hpp"
#include "redis_server.hpp"

// An application keeps data of its own in the same Redis, under names that larder would use. It is
// left alone, and larder goes on.
namespace larder::redis {
namespace {

const Ask article{"articles:42", {"articles:*"}};
const TestRequest request;

struct Shared {
    RedisServer redis;
    Instance one{redis.url()};
    Shared() { REQUIRE(one.wait_available()); }

    /// Puts a value of each kind at the key, one after the other, and says how each is found
    /// afterwards.
    template <class Check>
    void for_each_kind(const std::string& key, Check check) {
        const std::vector<std::vector<std::string>> makers{{"SET", key, "mine"},
                                                           {"RPUSH", key, "mine"},
                                                           {"SADD", key, "mine"},
                                                           {"HSET", key, "larder", "mine"},
                                                           {"ZADD", key, "1", "mine"}};
        for (const std::vector<std::string>& make : makers) {
            CAPTURE(make.front());
            redis.run({"DEL", key});
            redis.run(make);
            const std::string before = redis.run({"DUMP", key});
            check();
            CHECK(redis.run({"DUMP", key}) == before);
            CHECK(redis.run({"PTTL", key}) == "-1");
            redis.run({"DEL", key});
        }
    }
    void purge_in_every_way() {
        store::PurgeOrder soft = purge_key(article.key);
        soft.soft = true;
        store::PurgeOrder soft_pattern = purge_pattern("articles:*");
        soft_pattern.soft = true;
        store::PurgeOrder scanned;
        scanned.scan_patterns = {"art*"};
        for (const store::PurgeOrder& order :
             {purge_key(article.key), purge_pattern("articles:*"), soft, soft_pattern, scanned})
            CHECK(one.purge(order) == store::PurgeOutcome::done);
        CHECK(one.announce({{PurgeItem::Kind::key, false, article.key},
                            {PurgeItem::Kind::pattern, false, "articles:*"}},
                           "0123456789abcdef"));
        CHECK(one.purge(purge_key(article.key), "0123456789abcdef") == store::PurgeOutcome::done);
        CHECK(one.purge(purge_pattern("articles:*"), "0123456789abcdef") ==
              store::PurgeOutcome::done);
        CHECK(one.shared->journal().size() == 0);
    }
};

TEST_CASE_FIXTURE(Shared, "a value at an entry's key is left alone, and the lease names it") {
    for_each_kind("articles:42", [&] {
        CHECK(one.get(article).empty());
        const Lease lease = one.lease(article);
        CHECK(lease.state == RedisState::ok);
        CHECK(lease.foreign_key == "articles:42");
        CHECK_FALSE(lease.foreign_type.empty());
        CHECK_FALSE(lease.can_store());
        one.release(lease);
        purge_in_every_way();
    });
    CHECK(one.put(article, "larder's") == FillOutcome::stored);
}

TEST_CASE_FIXTURE(
    Shared, "a value that comes to an entry's key while its fetch is under way is left alone") {
    const Lease lease = one.lease(article);
    REQUIRE(lease.can_store());
    redis.run({"HSET", "articles:42", "larder", "mine"});
    CHECK(one.fill(article, lease, response("x")).outcome == FillOutcome::foreign);
    CHECK(redis.run({"HLEN", "articles:42"}) == "1");
    CHECK(redis.run({"TTL", "articles:42"}) == "-1");
}

// The name is larder's own, so the value may get an expiry, and a hash the guard's field.
TEST_CASE_FIXTURE(Shared, "under a value at a guard's key nothing is stored") {
    const std::string guard_key = "larder:lease:{articles:42}";
    for (const char* const command : {"SET", "RPUSH", "SADD"}) {
        CAPTURE(command);
        redis.run({command, guard_key, "mine"});
        const std::string before = redis.run({"DUMP", guard_key});
        const Lease lease = one.lease(article);
        CHECK(lease.state == RedisState::ok);
        CHECK(lease.foreign_key == guard_key);
        CHECK_FALSE(lease.can_store());
        one.release(lease);
        purge_in_every_way();
        CHECK(redis.run({"DUMP", guard_key}) == before);
        redis.run({"DEL", guard_key});
    }
    CHECK(one.put(article, "larder's") == FillOutcome::stored);
}

TEST_CASE_FIXTURE(Shared, "a value that takes a guard's place while its fetch is under way") {
    const Lease lease = one.lease(article);
    REQUIRE(lease.can_store());
    redis.run({"SET", "larder:lease:{articles:42}", "mine"});
    CHECK(one.fill(article, lease, response("x")).outcome != FillOutcome::stored);
    CHECK(one.get(article).empty());
}

TEST_CASE_FIXTURE(Shared, "a value at a lock's key is left alone, and is no lock") {
    const Lease first = one.lease(article);
    one.release(first);
    REQUIRE(eventually([&] { return redis.run({"HEXISTS", first.guard_key, "lock"}) == "0"; }));
    for_each_kind(first.lock_key, [&] {
        const Lease lease = one.lease(article);
        CHECK(lease.lock == Lease::Lock::none);
        CHECK(lease.can_store());
        CHECK(one.fill(article, lease, response("x")).outcome == FillOutcome::stored);
    });
}

TEST_CASE_FIXTURE(
    Shared, "a value at the key of a tag's id is left alone, and nothing is stored under it") {
    for_each_kind("larder:tag:articles:*", [&] {
        const Lease lease = one.lease(article);
        CHECK(lease.state == RedisState::ok);
        CHECK(lease.foreign_key == "larder:tag:articles:*");
        CHECK_FALSE(lease.can_store());
        one.release(lease);
        purge_in_every_way();
    });
    CHECK(one.put(article, "larder's") == FillOutcome::stored);
}

TEST_CASE_FIXTURE(Shared, "a value at the key of an extension's id is left alone") {
    const Ask extended{"articles:42?lang=de", {}, 11};
    for_each_kind("larder:ext:{articles:42}", [&] {
        const Lease lease = one.lease(extended);
        CHECK(lease.foreign_key == "larder:ext:{articles:42}");
        purge_in_every_way();
    });
}

TEST_CASE_FIXTURE(Shared, "a value at the key of a response tag is left alone") {
    for_each_kind("larder:rtag:cats", [&] {
        const Lease lease = one.lease(article);
        auto entry = response("x");
        entry->response_tags.push_back({"cats", {}});
        CHECK(one.fill(article, lease, entry).outcome != FillOutcome::stored);
        store::PurgeOrder soft = purge_tag("cats");
        soft.soft = true;
        CHECK(one.purge(purge_tag("cats")) == store::PurgeOutcome::done);
        CHECK(one.purge(soft) == store::PurgeOutcome::done);
        CHECK(one.shared->journal().size() == 0);
    });
}

TEST_CASE_FIXTURE(Shared, "a purge by pattern leaves a guard that a write under way holds") {
    REQUIRE(one.announce({{PurgeItem::Kind::key, false, article.key}}, "0123456789abcdef"));
    store::PurgeOrder scanned;
    scanned.scan_patterns = {"art*"};
    REQUIRE(one.purge(scanned) == store::PurgeOutcome::done);
    CHECK(one.lease(article).held);
    REQUIRE(one.purge(purge_key(article.key), "0123456789abcdef") == store::PurgeOutcome::done);
    CHECK_FALSE(one.lease(article).held);
}

TEST_CASE_FIXTURE(Shared, "an answer to a purge counts only what is larder's") {
    redis.run({"SET", "articles:42", "mine"});
    CHECK(one.count_present({{article.key}, {}}) == 0);
    redis.run({"DEL", "articles:42"});
    REQUIRE(one.put(article, "x") == FillOutcome::stored);
    CHECK(one.count_present({{article.key}, {}}) == 1);
}

TEST_CASE("a user without channels purges response tags too") {
    RedisServer redis;
    redis.run({"ACL", "SETUSER", "quiet", "reset", "on", ">pw", "~*", "+@all"});
    Instance one("redis://quiet:pw@127.0.0.1:" + std::to_string(redis.port()) + "/0");
    REQUIRE(one.wait_available());
    const Lease lease = one.lease(article);
    auto entry = response("x");
    entry->response_tags.push_back({"cats", {}});
    REQUIRE(one.fill(article, lease, entry).outcome == FillOutcome::stored);
    CHECK(one.purge(purge_tag("cats")) == store::PurgeOutcome::done);
    CHECK(one.get(article).empty());
    CHECK(one.shared->journal().size() == 0);
}

}  // namespace
}  // namespace larder::redis
