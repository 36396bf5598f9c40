#include <doctest/doctest.h>

#include "instance.hpp"
#include "redis_server.hpp"

// A fill puts the entry under a name of its own, and the script moves it from there.
namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask picture{"pictures:1"};
const TestRequest html("a.example", {{"Accept", "text/html"}});
const TestRequest json("a.example", {{"Accept", "application/json"}});

struct Staged {
    RedisServer redis;
    std::unique_ptr<Instance> one;

    /// The user may do all but what `rights` takes away.
    void begin(const std::string& rights = "+@all") {
        redis.run({"ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all"});
        for (std::size_t at = 0; at < rights.size();) {
            const std::size_t end = std::min(rights.find(' ', at), rights.size());
            redis.run({"ACL", "SETUSER", "app", rights.substr(at, end - at)});
            at = end + 1;
        }
        const std::string url = "redis://app:pw@127.0.0.1:" + std::to_string(redis.port()) + "/0";
        one = std::make_unique<Instance>(url);
        REQUIRE(one->wait_available());
        REQUIRE(one->wait_trusted());
    }
    FillOutcome put_variant(const std::string& body, const TestRequest& request,
                            Seconds lifetime = 60s) const {
        auto entry = response(body, lifetime);
        entry->vary = {"accept"};
        return one->fill(article, one->lease(article, false, request), entry, request).outcome;
    }
    [[nodiscard]] int ttl(const Ask& ask) const { return std::stoi(redis.run({"TTL", ask.key})); }
    [[nodiscard]] bool nothing_staged() const {
        return redis.run({"KEYS", "larder:stage:*"}).empty();
    }
};

TEST_CASE_FIXTURE(Staged, "an entry comes to stand, replaces another, and leaves others alone") {
    SUBCASE("with all rights") { begin(); }
    SUBCASE("where keys may not be renamed") { begin("-rename -renamenx"); }
    SUBCASE("where GETEX is not allowed") { begin("-getex"); }
    SUBCASE("where no read can be left out of tracking") { begin("-getex -client|caching"); }
    REQUIRE(one->put(article, "first") == FillOutcome::stored);
    CHECK(one->get(article) == "first");
    CHECK(ttl(article) > 55);

    // In its place, with another lifetime.
    auto shorter = response("second", 30s);
    REQUIRE(one->fill(article, one->lease(article), shorter).outcome == FillOutcome::stored);
    CHECK(one->get(article) == "second");
    CHECK(ttl(article) <= 30);
    CHECK(redis.run({"HLEN", "articles:42"}) == "2");

    // Vary from now on: what did not vary goes.
    REQUIRE(put_variant("html", html) == FillOutcome::stored);
    CHECK(redis.run({"HLEN", "articles:42"}) == "3");
    REQUIRE(put_variant("json", json, 10s) == FillOutcome::stored);
    CHECK(one->get(article, html) == "html");
    CHECK(one->get(article, json) == "json");
    CHECK(ttl(article) > 50);  // the longest of all variants
    REQUIRE(put_variant("json 2", json, 90s) == FillOutcome::stored);
    CHECK(one->get(article, html) == "html");
    CHECK(one->get(article, json) == "json 2");
    CHECK(ttl(article) > 80);
    CHECK(nothing_staged());
    REQUIRE(one->purge(purge_key(article.key)) == store::PurgeOutcome::done);
    CHECK(one->get(article, html).empty());
}

TEST_CASE_FIXTURE(Staged, "the soft mark of an entry stays, whatever the fill knew of it") {
    std::string rights = "+@all";
    SUBCASE("it is replaced") {}
    SUBCASE("where keys may not be renamed") { rights = "-rename -renamenx"; }
    begin(rights);
    const auto mark = [&] { redis.run({"HSET", "articles:42", "soft", "0123456789abcdef"}); };
    REQUIRE(one->put(article, "old") == FillOutcome::stored);
    Lease lease = one->lease(article);
    mark();  // after the lease
    REQUIRE(one->fill(article, lease, response("new")).outcome == FillOutcome::stored);
    CHECK(redis.run({"HGET", "articles:42", "soft"}) == "0123456789abcdef");
    CHECK(one->find(article).soft_purged);

    lease = one->lease(article);
    redis.run({"HDEL", "articles:42", "soft"});
    REQUIRE(one->fill(article, lease, response("newer")).outcome == FillOutcome::stored);
    CHECK(redis.run({"HEXISTS", "articles:42", "soft"}) == "0");
    CHECK(one->find(article).soft_purged);
    CHECK(nothing_staged());
}

TEST_CASE_FIXTURE(Staged, "what is not stored leaves nothing behind") {
    begin();
    const Lease lease = one->lease(article);
    SUBCASE("the key was purged meanwhile") {
        REQUIRE(one->purge(purge_key(article.key)) == store::PurgeOutcome::done);
        CHECK(one->fill(article, lease, response("old")).outcome == FillOutcome::purged);
        CHECK(redis.run({"EXISTS", "articles:42"}) == "0");
    }
    SUBCASE("somebody else's value stands there") {
        redis.run({"HSET", "articles:42", "field", "mine"});
        CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::foreign);
        CHECK(redis.run({"HGETALL", "articles:42"}) == "field\nmine\n");
    }
    SUBCASE("Redis takes nothing more") {
        redis.run({"ACL", "SETUSER", "app", "-hset"});
        CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::unavailable);
        CHECK(redis.run({"EXISTS", "articles:42"}) == "0");
        CHECK(one->shared->reporter().last_refusal());
        redis.run({"ACL", "SETUSER", "app", "+hset"});
        CHECK(one->lease(article).lock == Lease::Lock::mine);  // it was given back
    }
    SUBCASE("the script may not run") {
        redis.run({"ACL", "SETUSER", "app", "-eval", "-evalsha"});
        CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::unavailable);
        CHECK(eventually([&] { return nothing_staged(); }));
    }
    CHECK(nothing_staged());
}

TEST_CASE_FIXTURE(Staged, "no script looks at the bytes of a value") {
    begin();
    const std::string body(4'000'000, 'p');
    for (int i = 0; i < 2; ++i) REQUIRE(one->put(picture, body) == FillOutcome::stored);
    CHECK(one->get(picture) == body);
    const std::string info = redis.run({"INFO", "memory"});
    const std::string_view name = "used_memory_lua:";
    CHECK(std::stoul(info.substr(info.find(name) + name.size())) < 1'000'000);
    CHECK(nothing_staged());
}

}  // namespace
}  // namespace larder::redis
