#include <doctest/doctest.h>

#include <future>

#include "instance.hpp"
#include "redis_server.hpp"

// A fill puts the entry where its lease has made the guard, or under a name of its own, and it is
// moved from there.
namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask picture{"pictures:1"};
const std::string guard_key = "larder:lease:{articles:42}";
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
    CHECK(redis.run({"HLEN", "articles:42"}) == "3");

    // Vary from now on: what did not vary goes.
    REQUIRE(put_variant("html", html) == FillOutcome::stored);
    CHECK(redis.run({"HLEN", "articles:42"}) == "4");
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

/// What comes between a lease and its fill.
enum class Between { purge, loss, stranger, refusal };

TEST_CASE_FIXTURE(Staged, "what is not stored leaves nothing behind") {
    begin();
    Between between{};
    SUBCASE("the key was purged meanwhile") { between = Between::purge; }
    SUBCASE("the guard was lost meanwhile") { between = Between::loss; }
    SUBCASE("somebody else's value stands there") { between = Between::stranger; }
    SUBCASE("Redis takes nothing more") { between = Between::refusal; }
    for (const bool scripted : {false, true}) {
        CAPTURE(scripted);
        redis.run({"DEL", guard_key});
        if (scripted) redis.run({"HSET", guard_key, "larder", "0123456789abcdef"});
        const Lease lease = one->lease(article);
        CHECK(lease.made_guard != scripted);
        if (between == Between::purge)
            REQUIRE(one->purge(purge_key(article.key)) == store::PurgeOutcome::done);
        if (between == Between::loss) redis.run({"DEL", guard_key});
        if (between == Between::stranger) redis.run({"HSET", "articles:42", "field", "mine"});
        if (between == Between::refusal) redis.run({"ACL", "SETUSER", "app", "-hset"});
        const FillOutcome outcome = one->fill(article, lease, response("old")).outcome;
        redis.run({"ACL", "SETUSER", "app", "+hset"});
        if (between == Between::stranger) {
            CHECK(outcome == FillOutcome::foreign);
            CHECK(redis.run({"HGETALL", "articles:42"}) == "field\nmine\n");
            redis.run({"DEL", "articles:42"});
        } else if (between == Between::refusal) {
            CHECK(outcome == FillOutcome::unavailable);
            CHECK(one->shared->reporter().last_refusal());
        } else {
            CHECK(outcome == FillOutcome::purged);
        }
        CHECK(one->get(article).empty());
        CHECK(eventually([&] { return redis.run({"EXISTS", "articles:42"}) == "0"; }));
        CHECK(nothing_staged());
        const Lease next = one->lease(article);
        CHECK(next.lock == Lease::Lock::mine);  // it was given back
        one->release(next);
        CHECK(eventually([&] { return redis.run({"EXISTS", next.lock_key}) == "0"; }));
    }
}

TEST_CASE_FIXTURE(Staged, "what a script was to move is removed where it may not run") {
    begin();
    redis.run({"HSET", guard_key, "larder", "0123456789abcdef"});
    const Lease lease = one->lease(article);
    redis.run({"ACL", "SETUSER", "app", "-eval", "-evalsha"});
    CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::unavailable);
    CHECK(eventually([&] { return nothing_staged(); }));
}

TEST_CASE_FIXTURE(Staged, "a fill that comes after a purge changes nothing of what came since") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const Lease old = one->lease(article, false);
    REQUIRE(old.made_guard);
    // By commands: of a purge the instance would have heard, and have the script look.
    redis.run({"DEL", guard_key});
    SUBCASE("a fetch is under way") {
        const Lease anew = two.lease(article, false);
        REQUIRE(anew.made_guard);
        CHECK(one->fill(article, old, response("old")).outcome == FillOutcome::purged);
        CHECK(two.get(article).empty());
        // It costs this one its place at most.
        static_cast<void>(two.fill(article, anew, response("new")));
        CHECK(two.get(article) != "old");
        REQUIRE(two.put(article, "newer") == FillOutcome::stored);
        CHECK(two.get(article) == "newer");
    }
    SUBCASE("it has been stored") {
        REQUIRE(two.put(article, "new") == FillOutcome::stored);
        CHECK(one->fill(article, old, response("old")).outcome == FillOutcome::purged);
        CHECK(two.get(article) == "new");
    }
    SUBCASE("a write is under way") {
        const std::string hold = "held:0123456789abcdef";
        redis.run({"HSET", article.key, "larder", hold});
        redis.run({"PEXPIRE", article.key, "10000"});
        CHECK(one->fill(article, old, response("old", 5s)).outcome == FillOutcome::purged);
        CHECK(two.get(article).empty());
        CHECK(redis.run({"HGET", article.key, "larder"}) == hold);
        CHECK(ttl(article) > 5);
        CHECK_FALSE(two.lease(article).can_store());
    }
}

TEST_CASE_FIXTURE(Staged, "a fill does not displace a hold, also while its guard still stands") {
    begin();
    for (const bool by_script : {false, true}) {
        CAPTURE(by_script);
        redis.run({"DEL", article.key, guard_key});
        if (by_script) redis.run({"HSET", guard_key, "larder", "0123456789abcdef"});
        const Lease lease = one->lease(article, false);
        REQUIRE(lease.made_guard != by_script);
        // In a cluster the hold comes first, and then the guard is deleted.
        const std::string hold = "held:0123456789abcdef";
        redis.run({"HSET", article.key, "larder", hold});
        CHECK(one->fill(article, lease, response("old")).outcome == FillOutcome::purged);
        CHECK(redis.run({"HGET", article.key, "larder"}) == hold);
        CHECK(redis.run({"HLEN", article.key}) == "1");
    }
}

TEST_CASE_FIXTURE(Staged,
                  "fills of two variants under one guard both stay, whichever comes first") {
    begin();
    const auto draft = [](const std::string& body) {
        auto entry = response(body);
        entry->vary = {"accept"};
        return entry;
    };
    const Lease first = one->lease(article, false, html);
    const Lease second = one->lease(article, false, json);
    REQUIRE(first.made_guard);
    REQUIRE(second.guard == first.guard);
    bool in_order = true;
    SUBCASE("the one that made it") {}
    SUBCASE("the other one") { in_order = false; }
    if (in_order)
        CHECK(one->fill(article, first, draft("html"), html).outcome == FillOutcome::stored);
    CHECK(one->fill(article, second, draft("json"), json).outcome == FillOutcome::stored);
    if (!in_order)
        CHECK(one->fill(article, first, draft("html"), html).outcome == FillOutcome::stored);
    CHECK(one->get(article, html) == "html");
    CHECK(one->get(article, json) == "json");
    CHECK(nothing_staged());
}

TEST_CASE_FIXTURE(Staged, "a purge ends all fetches of a guard, wherever that stands") {
    begin();
    for (const bool moved : {false, true}) {
        for (const bool by_scan : {false, true}) {
            CAPTURE(moved);
            CAPTURE(by_scan);
            const Ask ask{"articles:" + std::to_string(moved) + std::to_string(by_scan)};
            const Lease first = one->lease(ask, false, html);
            const Lease second = one->lease(ask, false, json);
            REQUIRE(second.guard == first.guard);
            if (moved)
                REQUIRE(one->fill(ask, first, response("x"), html).outcome == FillOutcome::stored);
            store::PurgeOrder scanned;
            scanned.scan_patterns = {"art*"};
            const store::PurgeOrder order = by_scan ? scanned : purge_key(ask.key);
            REQUIRE(one->purge(order) == store::PurgeOutcome::done);
            CHECK(one->fill(ask, second, response("old"), json).outcome == FillOutcome::purged);
            CHECK(one->get(ask, json).empty());
        }
    }
}

TEST_CASE_FIXTURE(Staged, "a guard that a purge has ended does not come back with a later fill") {
    begin();
    // Three fetches: the first makes the guard, the second shares it, the third begins while a scan
    // has passed the place of the guard, and not yet the entry it was moved to.
    const Lease first = one->lease(article, false, html);
    const Lease slow = one->lease(article, false, json);
    REQUIRE(slow.guard == first.guard);
    REQUIRE(one->fill(article, first, response("x"), html).outcome == FillOutcome::stored);
    const Lease between = one->lease(article, false, html);
    REQUIRE(between.guard != first.guard);
    REQUIRE(between.entry_guard == first.guard);
    redis.run({"DEL", article.key});
    // It names the entry's guard, which is not there any more, and is stored under its own.
    CHECK(one->fill(article, between, response("new"), html).outcome == FillOutcome::stored);
    CHECK(one->get(article, html) == "new");
    CHECK(redis.run({"HGET", article.key, "larder"}) == between.guard);
    CHECK(one->fill(article, slow, response("old"), json).outcome == FillOutcome::purged);
    CHECK(one->get(article, json) != "old");
    CHECK(nothing_staged());
}

TEST_CASE_FIXTURE(Staged, "a soft purge ends the guard that a fill has moved to its entry") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const TestRequest other("b.example");
    const Lease first = one->lease(article);
    const Lease slow = one->lease(article, true, other);
    REQUIRE(slow.guard == first.guard);
    REQUIRE(slow.lock == Lease::Lock::mine);
    REQUIRE(one->fill(article, first, response("x")).outcome == FillOutcome::stored);
    CHECK(one->still_current(article, slow, other));
    CHECK(two.lease(article, true, other).lock == Lease::Lock::theirs);
    store::PurgeOrder soft = purge_key(article.key);
    soft.soft = true;
    REQUIRE(two.purge(soft) == store::PurgeOutcome::done);
    CHECK_FALSE(one->still_current(article, slow, other));
    CHECK(two.lease(article, true, other).lock == Lease::Lock::mine);
    CHECK(one->fill(article, slow, response("old"), other).outcome == FillOutcome::purged);
}

TEST_CASE_FIXTURE(Staged, "what a late fill and a refused one leave is removed, and nothing else") {
    begin();
    const Lease lease = one->lease(article, false);
    SUBCASE("another fill came in time") {
        REQUIRE(one->put(article, "theirs", json) == FillOutcome::stored);
        redis.run({"ACL", "SETUSER", "app", "-hset"});
        CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::unavailable);
        redis.run({"ACL", "SETUSER", "app", "+hset"});
        CHECK(one->get(article, json) == "theirs");
    }
    SUBCASE("what an application calls fill is not larder's") {
        redis.run({"HSET", article.key, "fill", "1760000000123456"});
        CHECK(one->fill(article, lease, response("x")).outcome == FillOutcome::foreign);
        REQUIRE(one->purge(purge_key(article.key)) == store::PurgeOutcome::done);
        CHECK(redis.run({"HGETALL", article.key}) == "fill\n1760000000123456\n");
    }
}

TEST_CASE_FIXTURE(Staged, "a fill that came too late leaves the lock to the fetch after it") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const Lease late = one->lease(article);
    REQUIRE(late.made_guard);
    REQUIRE(late.lock == Lease::Lock::mine);
    redis.run({"DEL", guard_key});  // as a purge that the instance has not heard of
    const Lease anew = two.lease(article);
    REQUIRE(anew.lock == Lease::Lock::mine);
    CHECK(one->fill(article, late, response("old")).outcome == FillOutcome::purged);
    const auto is_gone = [&] { return redis.run({"EXISTS", anew.lock_key}) == "0"; };
    CHECK_FALSE(eventually(is_gone, 100ms));
}

TEST_CASE_FIXTURE(Staged, "a lock is given back when the entry is there, also where it is merged") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const auto draft = [](const std::string& body) {
        auto entry = response(body);
        entry->vary = {"accept"};
        return entry;
    };
    const Lease first = one->lease(article, true, html);
    const Lease second = two.lease(article, false, json);
    REQUIRE(first.made_guard);
    REQUIRE(two.fill(article, second, draft("json"), json).outcome == FillOutcome::stored);
    // From now on each look at the lock tells whether the entry was there first.
    auto waiting = std::async(std::launch::async, [&] { return two.wait(article, 2s, html); });
    REQUIRE(one->fill(article, first, draft("html"), html).outcome == FillOutcome::stored);
    const auto waited = waiting.get();
    REQUIRE(waited.entry);
    CHECK(waited.entry->body() == "html");
    CHECK(eventually([&] { return redis.run({"EXISTS", first.lock_key}) == "0"; }));
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
