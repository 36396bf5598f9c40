#include <doctest/doctest.h>

#include "instance.hpp"
#include "redis_server.hpp"

// A lease in place of a lookup.
namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask list{"articles:list:0:20", {"articles:list:*"}};
const Ask extended{"articles:42?lang=de", {"articles:*"}, 11};

struct Two {
    RedisServer redis;
    Instance one{redis.url()};
    Instance two{redis.url()};
    Two() {
        REQUIRE(one.wait_available());
        REQUIRE(two.wait_available());
        REQUIRE(one.wait_trusted());
        // The id that all entries carry must be known, and Redis must know the scripts: else a
        // fill is sent twice.
        for (Instance* at : {&one, &two})
            REQUIRE(at->put({"other", {"t:*"}}, "x") == FillOutcome::stored);
    }
    /// Commands that Redis has run under that name.
    [[nodiscard]] long runs_of(const std::string& command) const {
        const std::string stats = redis.run({"INFO", "commandstats"});
        const std::string name = "cmdstat_" + command + ":calls=";
        const std::size_t at = stats.find(name);
        return at == stats.npos ? 0 : std::stol(stats.substr(at + name.size()));
    }
    /// Nobody is kept from the key: a lock that was taken in vain is given back.
    void check_lock_is_free(const Ask& ask) {
        CHECK(eventually([&] {
            const Lease lease = two.lease(ask);
            const bool mine = lease.lock == Lease::Lock::mine;
            if (mine) two.release(lease);
            return mine;
        }));
    }
};

TEST_CASE_FIXTURE(Two, "an absent key is leased and filled in one round trip each") {
    for (const Ask& ask : {article, list, extended}) {
        CAPTURE(ask.key);
        const Lease lease = one.lease_absent(ask);
        REQUIRE(lease.state == RedisState::ok);
        REQUIRE(lease.lock == Lease::Lock::mine);
        CHECK(lease.can_store());
        CHECK(lease.untracked);
        CHECK(two.lease(ask).lock == Lease::Lock::theirs);
        const auto entry = response("fresh");
        const RedisStore::Filled filled = one.fill(ask, lease, entry);
        CHECK(filled.outcome == FillOutcome::stored);
        CHECK(filled.tracked);
        CHECK(two.get(ask) == "fresh");
        check_lock_is_free(ask);
    }
}

TEST_CASE_FIXTURE(Two,
                  "the memory tier keeps what was filled under such a lease until it changes") {
    const auto entry = response("fresh");
    REQUIRE(one.fill(list, one.lease_absent(list), entry).tracked);
    // Nothing that Redis tells of the fill itself drops it: what was told comes before an answer
    // to a later question.
    REQUIRE(two.put({"later"}, "x") == FillOutcome::stored);
    CHECK(one.memory->is_current(*cache::make_stored(*entry)));
    REQUIRE(two.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
    CHECK(eventually([&] { return !one.memory->is_current(*cache::make_stored(*entry)); }));
}

TEST_CASE_FIXTURE(Two, "what stands in the way is looked up in the usual way") {
    SUBCASE("an entry") {
        REQUIRE(two.put(list, "there") == FillOutcome::stored);
        CHECK(one.lease_absent(list).lock == Lease::Lock::none);
        CHECK(one.get(list) == "there");
        check_lock_is_free(list);
    }
    SUBCASE("another instance's fetch") {
        REQUIRE(two.lease(list).lock == Lease::Lock::mine);
        CHECK(one.lease_absent(list).lock == Lease::Lock::none);
        CHECK(one.lease(list).lock == Lease::Lock::theirs);
    }
    SUBCASE("somebody else's value at the key") {
        for (const char* const command : {"SET", "HSET"}) {
            redis.run({"DEL", article.key, "larder:lease:{articles:42}"});
            if (std::string_view(command) == "SET") redis.run({"SET", article.key, "mine"});
            if (std::string_view(command) == "HSET") redis.run({"HSET", article.key, "a", "mine"});
            Instance fresh(redis.url());
            REQUIRE(fresh.wait_available());
            REQUIRE(fresh.put({"other"}, "x") == FillOutcome::stored);
            CHECK(fresh.lease_absent(article).lock == Lease::Lock::none);
            CHECK(eventually([&] { return fresh.lease(article).foreign_key == article.key; }));
        }
    }
    SUBCASE("somebody else's value at a tag's id") {
        redis.run({"SET", "larder:tag:articles:list:*", "mine"});
        CHECK(one.lease_absent(list).lock == Lease::Lock::none);
        CHECK(redis.run({"GET", "larder:tag:articles:list:*"}) == "mine");
        check_lock_is_free({list.key});
    }
    SUBCASE("a write under way") {
        REQUIRE(two.announce({{PurgeItem::Kind::pattern, false, "articles:list:*"}},
                             "0123456789abcdef"));
        CHECK(one.lease_absent(list).lock == Lease::Lock::none);
        CHECK(eventually([&] { return one.lease(list).held; }));
    }
}

TEST_CASE_FIXTURE(Two, "a tag that was purged since its id was seen gets a new id first") {
    const Ask next{"articles:list:20:20", {"articles:list:*"}};
    REQUIRE(one.fill(list, one.lease_absent(list), response("x")).outcome == FillOutcome::stored);
    REQUIRE(two.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
    CHECK(one.lease_absent(next).lock == Lease::Lock::none);
    check_lock_is_free(next);
    REQUIRE(two.put(next, "new") == FillOutcome::stored);
    CHECK(one.get(next) == "new");
    CHECK(one.get(list).empty());
    // The next one finds out about the new id, and the one after it knows.
    CHECK(one.lease_absent({"articles:list:40:20", {"articles:list:*"}}).lock == Lease::Lock::none);
    CHECK(one.lease_absent({"articles:list:60:20", {"articles:list:*"}}).lock == Lease::Lock::mine);
}

TEST_CASE_FIXTURE(Two, "a purge after such a lease keeps its fetch from storing") {
    store::PurgeOrder scan;
    scan.scan_patterns.push_back("art*:*");
    int number = 0;
    for (const bool seen : {false, true}) {
        for (int kind = 0; kind < 3; ++kind) {
            const std::string key = "articles:" + std::to_string(++number);
            const store::PurgeOrder order = kind == 0   ? purge_key(key)
                                            : kind == 1 ? purge_pattern("articles:*")
                                                        : scan;
            const Ask ask{key + "?lang=de", {"articles:*"}, key.size()};
            CAPTURE(key);
            CAPTURE(seen);
            // Where the id of the tag is not known, the lease has to make it.
            Instance fresh(redis.url());
            REQUIRE(fresh.wait_available());
            REQUIRE(fresh.put({"other"}, "x") == FillOutcome::stored);
            if (seen) REQUIRE(fresh.put({key + "0", {"articles:*"}}, "x") == FillOutcome::stored);
            if (!seen) redis.run({"DEL", "larder:tag:articles:*"});
            const Lease lease = fresh.lease_absent(ask);
            REQUIRE(lease.lock == Lease::Lock::mine);
            REQUIRE(two.purge(order) == store::PurgeOutcome::done);
            const FillOutcome outcome = fresh.fill(ask, lease, response("old")).outcome;
            CHECK(outcome == FillOutcome::purged);
            CHECK(two.get(ask).empty());
        }
    }
}

TEST_CASE_FIXTURE(Two, "a key whose guard this worker made is not asked for in this way again") {
    REQUIRE(one.fill(article, one.lease_absent(article), response("x")).outcome ==
            FillOutcome::stored);
    const long before = runs_of("type");
    CHECK(one.lease_absent(article).lock == Lease::Lock::none);
    CHECK(runs_of("type") == before);
}

}  // namespace
}  // namespace larder::redis
