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
    /// Under its key, or in the guard.
    [[nodiscard]] bool lock_stands(const Lease& lease) const {
        return redis.run({"EXISTS", lease.lock_key}) == "1" ||
               redis.run({"HSTRLEN", lease.guard_key, "lock"}) > "1";
    }
};

TEST_CASE_FIXTURE(Staged, "an entry comes to stand, replaces another, and leaves others alone") {
    SUBCASE("with all rights") { begin(); }
    SUBCASE("where keys may not be renamed") { begin("-rename -renamenx"); }
    SUBCASE("where GETEX is not allowed") { begin("-getex"); }
    SUBCASE("where no read can be left out of tracking") { begin("-getex -client|caching"); }
    const auto first = response("first");
    REQUIRE(one->fill(article, one->lease(article), first).outcome == FillOutcome::stored);
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
        CHECK(eventually([&] { return !lock_stands(next); }));
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
    const std::uint64_t before = one->generations.now();
    REQUIRE(two.purge(purge_key(article.key)) == store::PurgeOutcome::done);
    REQUIRE(eventually([&] { return one->generations.now() > before; }));
    const Lease anew = two.lease(article);
    REQUIRE(anew.lock == Lease::Lock::mine);
    CHECK(one->fill(article, late, response("old")).outcome == FillOutcome::purged);
    const auto is_gone = [&] { return !lock_stands(anew); };
    CHECK_FALSE(eventually(is_gone, 100ms));
    CHECK(two.fill(article, anew, response("new")).outcome == FillOutcome::stored);
    CHECK_FALSE(lock_stands(anew));
}

TEST_CASE_FIXTURE(Staged, "the guard that a fetch has made carries its lock") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const TestRequest other("b.example");
    const Lease mine = one->lease(article);
    REQUIRE(mine.lock == Lease::Lock::mine);
    CHECK(redis.run({"EXISTS", mine.lock_key}) == "0");
    // Of an instance that is gone, nobody waits for longer than for any lock.
    const auto lives = [&] { return std::stoi(redis.run({"PTTL", guard_key})); };
    CHECK(lives() <= 5000);
    const Lease of_other_host = two.lease(article, true, other);
    CHECK(of_other_host.lock == Lease::Lock::mine);
    CHECK(of_other_host.guard == mine.guard);
    CHECK(redis.run({"EXISTS", of_other_host.lock_key}) == "1");
    CHECK(lives() <= 5000);
    two.prolong(of_other_host);
    CHECK(two.lease(article).lock == Lease::Lock::theirs);
    CHECK(two.lease(article, true, other).lock == Lease::Lock::theirs);
    SUBCASE("it goes with the entry") {
        CHECK(one->fill(article, mine, response("x")).outcome == FillOutcome::stored);
        CHECK(redis.run({"EXISTS", guard_key}) == "0");
        CHECK(two.get(article) == "x");
        CHECK(two.lease(article).lock == Lease::Lock::mine);
        CHECK(two.lease(article, true, other).lock == Lease::Lock::theirs);
        CHECK(two.fill(article, of_other_host, response("y"), other).outcome ==
              FillOutcome::stored);
        CHECK(two.get(article, other) == "y");
    }
    SUBCASE("it is given back, and the guard stays for the others") {
        one->release(mine);
        CHECK(eventually([&] { return !lock_stands(mine); }));
        CHECK(redis.run({"HGET", guard_key, "larder"}) == mine.guard);
        CHECK(lives() > 50'000);
        CHECK(two.fill(article, of_other_host, response("y"), other).outcome ==
              FillOutcome::stored);
        CHECK(two.get(article, other) == "y");
    }
    SUBCASE("others are told that there is nothing to wait for") {
        one->release(mine, LeaseEnd::uncacheable);
        CHECK(eventually([&] { return two.lease(article).lock == Lease::Lock::uncacheable; }));
        CHECK(two.lease(article, true, other).lock == Lease::Lock::theirs);
    }
    SUBCASE("also in the place of a lock that is dead") {
        redis.run({"SET", mine.lock_key, "0123456789abcdef:0123456789abcdef:0123456789abcdef"});
        one->release(mine, LeaseEnd::uncacheable);
        CHECK(eventually([&] { return two.lease(article).lock == Lease::Lock::uncacheable; }));
    }
    SUBCASE("what is not larder's stays in that place") {
        redis.run({"RPUSH", mine.lock_key, "mine"});
        one->release(mine, LeaseEnd::uncacheable);
        CHECK(eventually([&] { return redis.run({"HEXISTS", guard_key, "lock"}) == "0"; }));
        CHECK(redis.run({"LRANGE", mine.lock_key, "0", "-1"}) == "mine\n");
    }
    SUBCASE("nobody but its own fetch prolongs it") {
        redis.run({"PEXPIRE", guard_key, "3000"});
        CHECK(two.lease(article).lock == Lease::Lock::theirs);
        CHECK(two.lease(article, true, other).lock == Lease::Lock::theirs);
        two.prolong(of_other_host);
        CHECK(lives() <= 3000);
        one->prolong(mine);
        CHECK(eventually([&] { return lives() > 4000; }));
    }
    SUBCASE("where its own fetch does not prolong it, another one keeps the guard") {
        redis.run({"PEXPIRE", guard_key, "1500"});
        SUBCASE("that shares it") { two.prolong(of_other_host); }
        SUBCASE("that comes") { CHECK(two.lease(article).lock == Lease::Lock::mine); }
        CHECK(eventually([&] { return lives() > 50'000; }));
        CHECK(redis.run({"HGET", guard_key, "lock"}) != mine.guard);
        CHECK(two.fill(article, of_other_host, response("y"), other).outcome ==
              FillOutcome::stored);
    }
    SUBCASE("only its own fetch gives it back") {
        one->release(of_other_host);
        CHECK(eventually([&] { return redis.run({"EXISTS", of_other_host.lock_key}) == "0"; }));
        CHECK(two.lease(article).lock == Lease::Lock::theirs);
    }
    SUBCASE("a purge ends it") {
        REQUIRE(two.purge(purge_key(article.key)) == store::PurgeOutcome::done);
        CHECK(two.lease(article).lock == Lease::Lock::mine);
    }
}

TEST_CASE_FIXTURE(Staged, "a lock without its guard is none") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const std::string id = "0123456789abcdef";
    SUBCASE("it came behind a purge") {
        redis.run({"HSET", guard_key, "lock", id + ":" + id + ":" + id});
    }
    SUBCASE("another guard stands there") {
        const Lease first = one->lease(article);
        const std::string lock = redis.run({"HGET", guard_key, "lock"});
        REQUIRE(lock.starts_with(first.guard));
        redis.run({"HSET", guard_key, "larder", id});
    }
    SUBCASE("at the entry's key") {
        redis.run({"HSET", article.key, "lock", id + ":" + id + ":" + id});
    }
    for (int round = 0; round < 2; ++round) {
        const Lease lease = two.lease(article);
        CHECK(lease.lock == Lease::Lock::mine);
        CHECK(one->lease(article).lock == Lease::Lock::theirs);
        CHECK(two.fill(article, lease, response("x")).outcome == FillOutcome::stored);
        REQUIRE(two.purge(purge_key(article.key)) == store::PurgeOutcome::done);
        redis.run({"HSET", guard_key, "lock", id + ":" + id + ":" + id});
    }
}

TEST_CASE_FIXTURE(Staged, "a fetch that has met a write under way leaves no lock behind") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    REQUIRE(two.announce({{PurgeItem::Kind::key, false, article.key}}, "0123456789abcdef"));
    const Lease lease = one->lease(article);
    REQUIRE(lease.held);
    one->release(lease);
    CHECK(eventually([&] { return !lock_stands(lease); }));
}

/// A fetch that has lost its guard as by a purge that its instance has not heard of, and another
/// instance's after it.
struct LateFill : Staged {
    LateFill() {
        begin();
        two = std::make_unique<Instance>(redis.url());
        REQUIRE(two->wait_available());
        late = one->lease(article);
        redis.run({"DEL", guard_key});
        anew = two->lease(article);
        REQUIRE(anew.lock == Lease::Lock::mine);
    }
    std::unique_ptr<Instance> two;
    Lease late;
    Lease anew;
};

TEST_CASE_FIXTURE(LateFill, "a late fill that merges leaves another fetch its guard and its lock") {
    redis.run({"HSET", article.key, "larder", "0123456789abcdef", "larder:fill", "x"});
    CHECK(one->fill(article, late, response("old")).outcome != FillOutcome::stored);
    CHECK(redis.run({"HLEN", guard_key}) == "2");
    CHECK(redis.run({"HGET", guard_key, "larder"}) == anew.guard);
    CHECK(lock_stands(anew));
    CHECK(std::stoi(redis.run({"PTTL", guard_key})) <= 5000);
}

TEST_CASE_FIXTURE(LateFill,
                  "a late fill that nobody knew of costs the next fetch its lock at most") {
    CHECK(one->fill(article, late, response("old")).outcome == FillOutcome::purged);
    CHECK(two->get(article).empty());
    const Lease third = two->lease(article);
    CHECK(third.lock == Lease::Lock::mine);
    CHECK(two->fill(article, anew, response("new")).outcome == FillOutcome::stored);
    CHECK(two->get(article) == "new");
    two->release(third);
    CHECK(eventually([&] { return !lock_stands(third); }));
}

TEST_CASE_FIXTURE(Staged, "a lock in a guard that names ids from before a purge is replaced") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const Ask tagged{"articles:42", {"articles:*"}};
    const Lease mine = one->lease(tagged);
    REQUIRE(mine.lock == Lease::Lock::mine);
    REQUIRE(two.lease(tagged).lock == Lease::Lock::theirs);
    auto waiting = std::async(std::launch::async, [&] { return one->wait(tagged, 2s); });
    REQUIRE(eventually([&] { return redis.run({"HGET", guard_key, "lock"}).ends_with('w'); }));
    REQUIRE(two.purge(purge_pattern("articles:*")) == store::PurgeOutcome::done);
    const Lease anew = two.lease(tagged);
    CHECK(anew.lock == Lease::Lock::mine);
    CHECK(redis.run({"HGET", guard_key, "lock"}) == "-");
    CHECK(one->fill(tagged, mine, response("old")).outcome == FillOutcome::purged);
    CHECK(two.lease(tagged).lock == Lease::Lock::theirs);
    CHECK(two.fill(tagged, anew, response("new")).outcome == FillOutcome::stored);
    CHECK(two.get(tagged) == "new");
    const auto waited = waiting.get();
    REQUIRE(waited.entry);
    CHECK(waited.entry->body() == "new");
}

TEST_CASE_FIXTURE(Staged, "who waits for a lock in a guard is told of its end") {
    begin();
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const auto is_watched = [&] { return redis.run({"HGET", guard_key, "lock"}).ends_with('w'); };
    bool fills = true;
    bool lost = false;
    bool unlocked = false;
    SUBCASE("by the fill") {}
    SUBCASE("by the fill, where the lock was taken off meanwhile") { unlocked = true; }
    SUBCASE("where nothing is stored") { fills = false; }
    SUBCASE("where Redis has lost it") { lost = true; }
    const Lease mine = one->lease(article);
    REQUIRE(mine.made_guard);
    auto waiting = std::async(std::launch::async, [&] { return two.wait(article, 4s); });
    REQUIRE(eventually(is_watched));
    const auto began = std::chrono::steady_clock::now();
    if (lost) redis.run({"DEL", guard_key});
    if (unlocked) redis.run({"HDEL", guard_key, "lock"});
    if (fills) one->fill(article, mine, response("x"));
    if (!fills) one->release(mine);
    const auto waited = waiting.get();
    // A waiter that is not told looks after 5 s, or gives up after 4.
    CHECK(std::chrono::steady_clock::now() - began < 2s);
    CHECK_FALSE(waited.timed_out);
    CHECK((waited.entry != nullptr) == (fills && !lost));
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
    CHECK_FALSE(lock_stands(first));
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
