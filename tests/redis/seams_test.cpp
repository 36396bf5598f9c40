#include <doctest/doctest.h>

#include "instance.hpp"
#include "redis/link.hpp"
#include "redis/purge_text.hpp"
#include "redis_server.hpp"

// What must hold where one server becomes another, or an instance meets one that it does not know.
namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask other{"articles:43"};
const Ask list{"articles:list:0:20", {"articles:list:*"}};

bool hears(Instance& instance) {
    return eventually([&] { return !instance.shared->node().marks().names().empty(); });
}

void restart(RedisServer& redis, Instance& instance) {
    redis.kill();
    CHECK(eventually([&] { return instance.find(article).state == RedisState::down; }));
    redis.start();
}

store::PurgeOrder purge_all() {
    store::PurgeOrder order;
    order.everything = true;
    return order;
}

TEST_CASE("what one instance has purged stays purged for another that meets older data first") {
    RedisServer redis;
    auto one = std::make_unique<Instance>(redis.url());
    Instance two(redis.url());
    REQUIRE(one->wait_available());
    REQUIRE(two.wait_available());
    REQUIRE(hears(*one));
    REQUIRE(hears(two));
    REQUIRE(one->put(article, "old") == FillOutcome::stored);
    REQUIRE(one->put(other, "kept") == FillOutcome::stored);
    REQUIRE(redis.run({"SAVE"}) == "OK");
    REQUIRE(one->purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    REQUIRE(eventually([&] { return two.shared->history().recent(steady_now()).size() == 1; }));
    SUBCASE("while both are there, what was not purged stays usable") {
        restart(redis, two);
        CHECK(two.wait_available(2500ms));
        CHECK(two.get(article).empty());
        CHECK(two.get(other) == "kept");
    }
    SUBCASE("while the one that purged is gone, nothing that was stored is served") {
        one.reset();
        restart(redis, two);
        CHECK(two.wait_available(2500ms));
        CHECK(two.get(article).empty());
    }
}

TEST_CASE("an instance without history waits for one that can vouch, or purges everything") {
    RedisServer redis;
    auto one = std::make_unique<Instance>(redis.url());
    REQUIRE(one->wait_available());
    REQUIRE(hears(*one));
    REQUIRE(one->put(article, "old") == FillOutcome::stored);
    REQUIRE(one->put(other, "kept") == FillOutcome::stored);
    REQUIRE(redis.run({"SAVE"}) == "OK");
    REQUIRE(one->purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    SUBCASE("nobody else is there") {
        one.reset();
        redis.kill();
        redis.start();
        Instance fresh(redis.url());
        REQUIRE(fresh.wait_available(2500ms));
        CHECK(fresh.get(article).empty());
        CHECK(fresh.get(other).empty());
        CHECK(fresh.put(article, "new") == FillOutcome::stored);
        CHECK(fresh.get(article) == "new");
    }
    SUBCASE("one with history vouches") {
        restart(redis, *one);
        Instance fresh(redis.url());
        REQUIRE(fresh.wait_available(2500ms));
        CHECK(fresh.get(article).empty());
        CHECK(fresh.get(other) == "kept");
    }
    SUBCASE("the server was vouched for before: it reads at once") {
        Instance fresh(redis.url());
        REQUIRE(fresh.wait_available(500ms));
        CHECK(fresh.get(other) == "kept");
    }
}

TEST_CASE("purging everything takes one step, for all instances") {
    RedisServer redis;
    Instance one(redis.url());
    Instance two(redis.url());
    REQUIRE(one.wait_available());
    REQUIRE(two.wait_available());
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.put(list, "old") == FillOutcome::stored);
    const Lease before = two.lease(other);
    CHECK(two.get(article) == "old");
    REQUIRE(one.purge(purge_all()) == store::PurgeOutcome::done);
    CHECK(one.get(article).empty());
    CHECK(one.get(list).empty());
    CHECK(eventually([&] { return two.get(article).empty() && two.get(list).empty(); }, 50ms));
    two.fill(other, before, response("from before"));
    CHECK(eventually([&] { return two.get(other).empty(); }, 50ms));
    CHECK(eventually([&] {
        return two.put(article, "new") == FillOutcome::stored && one.get(article) == "new";
    }));
}

TEST_CASE("a server that becomes a replica is not read any more") {
    RedisServer redis;
    RedisServer elsewhere;
    Instance one(redis.url(), 2);
    REQUIRE(one.wait_available());
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    redis.run({"REPLICAOF", "127.0.0.1", std::to_string(elsewhere.port())});
    CHECK(eventually([&] { return one.find(article).state == RedisState::down; }, 600ms));
    CHECK(eventually([&] { return one.find(article, TestRequest(), 1).state == RedisState::down; },
                     600ms));
    CHECK(one.shared->reporter().last_refusal()->text.find("replica") != std::string::npos);
    redis.run({"REPLICAOF", "NO", "ONE"});
    CHECK(one.wait_available(2500ms));
}

TEST_CASE("all links and the subscriber lead to one server") {
    RedisServer redis;
    Instance one(redis.url(), 2);
    REQUIRE(one.wait_available());
    REQUIRE(one.wait_trusted());
    const auto link = one.shared->node().links().of_worker(0);
    const std::uint64_t before = link->epoch();
    // As if one link had been made to another server: all others are made anew.
    const std::uint64_t elsewhere = one.shared->node().register_server(
        "elsewhere:1", one.shared->node().links().of_worker(1).get());
    CHECK(elsewhere != before);
    CHECK(one.shared->node().subscriber() == 0);
    CHECK_FALSE(one.shared->node().may_read(*link));
    CHECK(eventually(
        [&] { return one.shared->node().may_read(*link) && link->epoch() > elsewhere; }));
    CHECK(one.wait_trusted());
}

TEST_CASE(
    "a user that may not run INFO caches on all links, through lost connections and restarts too") {
    RedisServer redis;
    redis.run({"ACL", "SETUSER", "plain", "on", ">pw", "~*", "&*", "+@all", "-@dangerous"});
    const std::string url = "redis://plain:pw@127.0.0.1:" + std::to_string(redis.port()) + "/0";
    Instance one(url, 3);
    const auto all_read = [&] {
        for (int worker = 0; worker < 3; ++worker)
            if (one.find(article, TestRequest(), worker).state != RedisState::ok) return false;
        return true;
    };
    REQUIRE(eventually(all_read));
    REQUIRE(one.wait_trusted());
    REQUIRE(one.put(article, "x") == FillOutcome::stored);
    CHECK(one.get(article) == "x");
    redis.run({"CLIENT", "KILL", "TYPE", "normal"});
    CHECK(eventually([&] { return !all_read(); }, 200ms));
    CHECK(eventually(all_read, 2500ms));
    CHECK(one.put(article, "y") == FillOutcome::stored);
}

TEST_CASE("nobody waits behind a lock from before a purge") {
    RedisServer redis;
    Instance one(redis.url());
    Instance two(redis.url());
    REQUIRE(one.wait_available());
    REQUIRE(two.wait_available());
    REQUIRE(one.put(Ask{"articles:list:20:20", {"articles:list:*"}}, "x") == FillOutcome::stored);
    for (const bool by_tag : {true, false}) {
        CAPTURE(by_tag);
        const Lease slow = one.lease(list);
        REQUIRE(slow.lock == Lease::Lock::mine);
        REQUIRE(two.lease(list).lock == Lease::Lock::theirs);
        REQUIRE(two.purge(by_tag ? purge_pattern("articles:list:*")
                                 : purge_key("articles:list:0:20")) == store::PurgeOutcome::done);
        const RedisStore::Waited waited = two.wait(list, 2000ms);
        CHECK_FALSE(waited.timed_out);
        const Lease anew = two.lease(list);
        CHECK(anew.lock == Lease::Lock::mine);
        one.release(slow);
        two.release(anew);
        CHECK(eventually([&] { return redis.run({"EXISTS", anew.lock_key}) == "0"; }));
    }
}

TEST_CASE("those who ask after a purge share one fetch, whoever made the new ids") {
    RedisServer redis;
    Instance one(redis.url());
    Instance two(redis.url());
    REQUIRE(one.wait_available());
    REQUIRE(two.wait_available());
    REQUIRE(one.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
    const Lease first = one.lease(list);
    CHECK(first.lock == Lease::Lock::mine);
    CHECK(two.lease(list).lock == Lease::Lock::theirs);
    CHECK(one.lease(list).lock == Lease::Lock::theirs);
}

struct Announced {
    RedisServer redis;
    Instance writer{redis.url()};
    Instance reader{redis.url()};
    const std::vector<PurgeItem> items{{PurgeItem::Kind::key, false, "articles:42"},
                                       {PurgeItem::Kind::pattern, false, "articles:list:*"}};

    Announced() {
        REQUIRE(writer.wait_available());
        REQUIRE(reader.wait_available());
        REQUIRE(reader.put(article, "old") == FillOutcome::stored);
        REQUIRE(reader.put(list, "old") == FillOutcome::stored);
    }
    [[nodiscard]] bool stores(const Ask& ask) {
        return reader.put(ask, "stored") == FillOutcome::stored;
    }
};

TEST_CASE_FIXTURE(Announced, "what began before a hold does not store when that has expired") {
    REQUIRE(reader.purge(purge_key(article.key)) == store::PurgeOutcome::done);
    const Lease before = reader.lease(article);
    REQUIRE(before.can_store());
    REQUIRE(writer.announce(items, "token-1"));
    for (const std::string key : {"articles:42", "larder:ext:{articles:42}"})
        redis.run({"DEL", key});
    CHECK(reader.fill(article, before, response("old")).outcome != FillOutcome::stored);
    CHECK(reader.get(article).empty());
}

TEST_CASE_FIXTURE(Announced,
                  "while a write is announced nothing that it names is found or stored") {
    const Lease before = reader.lease(article);
    REQUIRE(writer.announce(items, "token-1"));
    for (const Ask& ask : {article, list}) {
        CHECK(reader.get(ask).empty());
        CHECK_FALSE(stores(ask));
    }
    CHECK(reader.fill(article, before, response("from before")).outcome != FillOutcome::stored);
    CHECK(stores(other));
    SUBCASE("until it purges") {
        REQUIRE(writer.purge(order_of(items), "token-1") == store::PurgeOutcome::done);
        for (const Ask& ask : {article, list}) CHECK(stores(ask));
    }
    SUBCASE("another's purge of the same names does not end it") {
        REQUIRE(reader.purge(order_of(items)) == store::PurgeOutcome::done);
        for (const Ask& ask : {article, list}) CHECK_FALSE(stores(ask));
    }
    SUBCASE("nor does the end of another write to the same names") {
        REQUIRE(reader.announce(items, "token-2"));
        REQUIRE(reader.purge(order_of(items), "token-2") == store::PurgeOutcome::done);
        for (const Ask& ask : {article, list}) CHECK_FALSE(stores(ask));
        REQUIRE(writer.purge(order_of(items), "token-1") == store::PurgeOutcome::done);
        for (const Ask& ask : {article, list}) CHECK(stores(ask));
    }
    SUBCASE("it expires where its process died") {
        for (const std::string key : {"articles:42", "larder:tag:articles:list:*"}) {
            const int left = std::stoi(redis.run({"PTTL", key}));
            CHECK(left > 8000);
            CHECK(left <= 10000);
            redis.run({"DEL", key});
        }
        redis.run({"DEL", "larder:ext:{articles:42}"});
        for (const Ask& ask : {article, list}) {
            CHECK(reader.get(ask).empty());
            CHECK(stores(ask));
        }
    }
}

TEST_CASE(
    "entries that were stored under other rules of sharing are not seen, and do not disturb") {
    RedisServer redis;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    Ask strict = article;
    Ask loose = article;
    loose.sharing = "~12345678~";
    REQUIRE(one.put(loose, "with a cookie") == FillOutcome::stored);
    CHECK(one.get(strict).empty());
    REQUIRE(one.put(strict, "clean") == FillOutcome::stored);
    CHECK(one.get(strict) == "clean");
    CHECK(one.get(loose) == "with a cookie");
    REQUIRE(one.purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    CHECK(one.get(strict).empty());
    CHECK(one.get(loose).empty());
}

TEST_CASE(
    "an entry is valid under all tags it carries, also under those that only other rules know") {
    RedisServer redis;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    const Ask with_tag{"articles:9", {"articles:*"}};
    const Ask without{"articles:9"};
    REQUIRE(one.put(with_tag, "old") == FillOutcome::stored);
    CHECK(one.get(without) == "old");
    REQUIRE(one.purge(purge_pattern("articles:*")) == store::PurgeOutcome::done);
    CHECK(one.get(without).empty());
}

TEST_CASE("a key that is not larder's is neither stored over nor purged") {
    RedisServer redis;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    redis.run({"SET", "articles:42", "mine"});
    redis.run({"HSET", "articles:43", "field", "mine"});
    for (const Ask& ask : {article, other}) {
        CHECK(one.fill(ask, one.lease(ask, false), response("x")).outcome == FillOutcome::foreign);
        CHECK(one.purge(purge_key(ask.key)) == store::PurgeOutcome::done);
    }
    CHECK(redis.run({"GET", "articles:42"}) == "mine");
    CHECK(redis.run({"HGET", "articles:43", "field"}) == "mine");
    CHECK(redis.run({"TTL", "articles:43"}) == "-1");
}

TEST_CASE("a purge is carried by any link that works") {
    RedisServer redis;
    Instance one(redis.url(), 2);
    REQUIRE(
        eventually([&] { return one.find(article, TestRequest(), 1).state == RedisState::ok; }));
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    one.shared->node().links().of_worker(1)->stop();
    REQUIRE(eventually([&] { return !one.shared->node().links().of_worker(1)->connected(); }));
    // Right after the loss the other link proves itself first.
    CHECK(eventually(
        [&] { return one.purge(purge_key("articles:42"), "", 1) == store::PurgeOutcome::done; }));
    CHECK(eventually([&] { return one.shared->journal().size() == 0; }));
    CHECK(one.get(article).empty());
}

}  // namespace
}  // namespace larder::redis
