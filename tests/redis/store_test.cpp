#include <doctest/doctest.h>

#include <algorithm>
#include <future>

#include "instance.hpp"
#include "redis_server.hpp"

namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask list{"articles:list:0:20", {"articles:list:*"}};
const Ask extended{"articles:42?lang=de", {}, 11};

struct OneRedis {
    RedisServer redis;
    Instance one{redis.url()};
    OneRedis() { REQUIRE(one.wait_available()); }
};

/// How many HGETs Redis has run.
long reads_of(const RedisServer& redis) {
    const std::string stats = redis.run({"INFO", "commandstats"});
    const std::string_view name = "cmdstat_hget:calls=";
    const std::size_t at = stats.find(name);
    return at == stats.npos ? 0 : std::stol(stats.substr(at + name.size()));
}

TEST_CASE_FIXTURE(OneRedis,
                  "what was filled is found, at the key the route says, and expires with it") {
    CHECK(one.get(list).empty());
    CHECK(one.put(list, "bodies") == FillOutcome::stored);
    const Found found = one.find(list);
    REQUIRE(found.entry);
    CHECK(found.state == RedisState::ok);
    CHECK(found.entry->body() == "bodies");
    CHECK_FALSE(found.soft_purged);
    CHECK_FALSE(found.entry->guards().empty());
    CHECK(redis.run({"TYPE", "articles:list:0:20"}) == "hash");
    const int ttl = std::stoi(redis.run({"TTL", "articles:list:0:20"}));
    CHECK(ttl > 55);
    CHECK(ttl <= 60);
}

TEST_CASE_FIXTURE(OneRedis, "an entry whose lifetime is over leaves Redis") {
    const Lease lease = one.lease(article);
    CHECK(one.fill(article, lease, response("short", 1s)).outcome == FillOutcome::stored);
    CHECK(one.get(article) == "short");
    CHECK(eventually([&] { return redis.run({"EXISTS", "articles:42"}) == "0"; }, 1600ms));
}

TEST_CASE_FIXTURE(OneRedis, "each kind of purge removes what it covers and nothing else") {
    const Ask other{"articles:43"};
    for (const Ask& ask : {article, list, extended, other})
        REQUIRE(one.put(ask, "x") == FillOutcome::stored);
    SUBCASE("a key takes the keys that extend it along") {
        CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::done);
        CHECK(one.get(article).empty());
        CHECK(one.get(extended).empty());
        CHECK(one.get(list) == "x");
        CHECK(one.get(other) == "x");
        CHECK(eventually([&] { return redis.run({"EXISTS", "articles:42?lang=de"}) == "0"; }, 5s));
    }
    SUBCASE("a pattern that is a tag") {
        CHECK(one.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
        CHECK(one.get(list).empty());
        CHECK(one.get(article) == "x");
        CHECK(eventually([&] { return redis.run({"EXISTS", "articles:list:0:20"}) == "0"; }, 5s));
    }
    SUBCASE("a pattern that is none is looked for among the keys") {
        store::PurgeOrder order;
        order.scan_patterns.push_back("art*:42*");
        redis.run({"SET", "art:42", "not larder's"});
        CHECK(one.purge(order) == store::PurgeOutcome::done);
        CHECK(one.get(article).empty());
        CHECK(one.get(extended).empty());
        CHECK(one.get(other) == "x");
        CHECK(redis.run({"GET", "art:42"}) == "not larder's");
    }
}

TEST_CASE_FIXTURE(OneRedis, "a fetch that began before a purge never stores after it") {
    store::PurgeOrder scan;
    scan.scan_patterns.push_back("articles:*");
    struct Row {
        Ask ask;
        store::PurgeOrder order;
        std::vector<std::string> response_tags;
    };
    for (const Row& row :
         {Row{article, purge_key("articles:42"), {}}, Row{extended, purge_key("articles:42"), {}},
          Row{list, purge_pattern("articles:list:*"), {}},
          Row{article, purge_tag("author:7"), {"author:7"}}, Row{article, scan, {}}}) {
        for (const bool known_before : {false, true}) {
            CAPTURE(row.ask.key);
            CAPTURE(known_before);
            const auto filled = [&](const std::string& body) {
                auto entry = response(body);
                for (const std::string& tag : row.response_tags)
                    entry->response_tags.push_back({tag, ""});
                return entry;
            };
            if (known_before)
                CHECK(one.fill(row.ask, one.lease(row.ask, false), filled("first")).outcome ==
                      FillOutcome::stored);
            const Lease lease = one.lease(row.ask, true);
            CHECK(lease.lock == Lease::Lock::mine);
            CHECK(one.purge(row.order) == store::PurgeOutcome::done);
            CHECK(one.fill(row.ask, lease, filled("old")).outcome == FillOutcome::purged);
            CHECK(one.get(row.ask).empty());
            const Lease next = one.lease(row.ask, true);
            CHECK(next.lock == Lease::Lock::mine);
            CHECK(one.fill(row.ask, next, filled("new")).outcome == FillOutcome::stored);
            CHECK(one.get(row.ask) == "new");
        }
    }
}

TEST_CASE_FIXTURE(OneRedis, "a purge of a response tag invalidates what carries it") {
    auto entry = response("tagged");
    entry->response_tags = {{"author:7", ""}, {"news", ""}};
    REQUIRE(one.fill(article, one.lease(article), entry).outcome == FillOutcome::stored);
    REQUIRE(one.put(list, "other") == FillOutcome::stored);
    CHECK(one.get(article) == "tagged");
    CHECK(one.purge(purge_tag("somebody else")) == store::PurgeOutcome::done);
    CHECK(one.get(article) == "tagged");
    CHECK(one.purge(purge_tag("news")) == store::PurgeOutcome::done);
    CHECK(one.get(article).empty());
    CHECK(one.get(list) == "other");
    CHECK(eventually([&] { return redis.run({"EXISTS", "articles:42"}) == "0"; }, 5s));
}

TEST_CASE_FIXTURE(OneRedis, "an index ends some day, also where a fill makes it anew") {
    REQUIRE(one.put(Ask{"articles:42", {"articles:*"}}, "first") == FillOutcome::stored);
    const auto index = [&] {
        const std::string keys = redis.run({"KEYS", "larder:index:*"});
        return keys.substr(0, keys.find('\n'));
    };
    REQUIRE(eventually([&] { return !index().empty(); }));
    const std::string first = index();
    CHECK(std::stoll(redis.run({"PTTL", first})) > 0);
    // As a sweep does that has just ended.
    redis.run({"DEL", first});
    REQUIRE(one.put(Ask{"articles:43", {"articles:*"}}, "second") == FillOutcome::stored);
    REQUIRE(eventually([&] { return index() == first; }));
    CHECK(std::stoll(redis.run({"PTTL", first})) > 0);
}

TEST_CASE_FIXTURE(OneRedis, "the fills of a moment note their keys together") {
    const auto scripts = [&] {
        const std::string stats = redis.run({"INFO", "commandstats"});
        const std::size_t at = stats.find("cmdstat_sadd:calls=");
        return at == stats.npos ? 0 : std::stol(stats.substr(at + 19));
    };
    REQUIRE(one.put(Ask{"articles:0", {"articles:*"}}, "x") == FillOutcome::stored);
    REQUIRE(eventually([&] { return scripts() == 1; }));
    const std::string index = redis.run({"KEYS", "larder:index:*"});
    for (int i = 1; i < 200; ++i)
        REQUIRE(one.put(Ask{"articles:" + std::to_string(i), {"articles:*"}}, "x") ==
                FillOutcome::stored);
    REQUIRE(eventually([&] {
        return redis.run({"SCARD", index.substr(0, index.find('\n'))}) == "200";
    }));
    CHECK(scripts() < 100);
}

TEST_CASE_FIXTURE(OneRedis, "a refill after a purge survives the sweep of what the purge killed") {
    for (int round = 0; round < 20; ++round) {
        REQUIRE(one.put(list, "old") == FillOutcome::stored);
        REQUIRE(one.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
        REQUIRE(one.put(list, "new") == FillOutcome::stored);
        // The sweep is over when only the new id's index is left.
        CHECK(eventually([&] {
            const std::string indexes = redis.run({"KEYS", "larder:index:*"});
            return std::count(indexes.begin(), indexes.end(), '\n') == 1;
        }));
        CHECK(one.get(list) == "new");
    }
}

TEST_CASE_FIXTURE(OneRedis, "any loss of bookkeeping ends in a miss, never in a wrong hit") {
    Ask both{"articles:list:0:20?x=1", {"articles:list:*"}, 18};
    const auto filled = [] {
        auto entry = response("x");
        entry->response_tags = {{"t", ""}};
        return entry;
    };
    for (const std::string lost :
         {"larder:tag:articles:list:*", "larder:ext:{articles:list:0:20}", "larder:rtag:t"}) {
        CAPTURE(lost);
        REQUIRE(one.fill(both, one.lease(both, false), filled()).outcome == FillOutcome::stored);
        REQUIRE(one.get(both) == "x");
        REQUIRE(redis.run({"DEL", lost}) == "1");
        CHECK(one.get(both).empty());
        const Lease lease = one.lease(both, false);
        REQUIRE(one.fill(both, lease, filled()).outcome == FillOutcome::stored);
        CHECK(one.get(both) == "x");
    }
    // During a fetch: the guard and the clock.
    for (const std::string lost :
         {"larder:lease:{articles:list:0:20?x=1}", "larder:tag:articles:list:*",
          "larder:ext:{articles:list:0:20}"}) {
        CAPTURE(lost);
        const Lease lease = one.lease(both, false);
        REQUIRE(redis.run({"DEL", lost}) == "1");
        CHECK(one.fill(both, lease, filled()).outcome == FillOutcome::purged);
    }
    for (const bool purged : {true, false}) {
        CAPTURE(purged);
        Instance other(redis.url());
        REQUIRE(other.wait_available());
        const Lease lease = one.lease(both, false);
        if (purged) REQUIRE(other.purge(purge_tag("t")) == store::PurgeOutcome::done);
        redis.run({"DEL", "larder:clock", "larder:rtag:t"});
        CHECK(one.fill(both, lease, filled()).outcome ==
              (purged ? FillOutcome::purged : FillOutcome::stored));
    }
    redis.run({"FLUSHALL"});
    CHECK(one.get(both).empty());
}

TEST_CASE_FIXTURE(OneRedis,
                  "a soft purge leaves the entry, as expired, and stops fetches under way") {
    struct Row {
        Ask ask;
        store::PurgeOrder order;
    };
    for (Row row : {Row{article, purge_key("articles:42")}, Row{extended, purge_key("articles:42")},
                    Row{list, purge_pattern("articles:list:*")}, Row{article, purge_tag("t")}}) {
        CAPTURE(row.ask.key);
        row.order.soft = true;
        const auto filled = [&] {
            auto entry = response("x");
            entry->response_tags = {{"t", ""}};
            return entry;
        };
        REQUIRE(one.fill(row.ask, one.lease(row.ask, false), filled()).outcome ==
                FillOutcome::stored);
        CHECK_FALSE(one.find(row.ask).soft_purged);
        const Lease before = one.lease(row.ask, false);
        REQUIRE(one.purge(row.order) == store::PurgeOutcome::done);
        Found found = one.find(row.ask);
        REQUIRE(found.entry);
        CHECK(found.soft_purged);
        one.fill(row.ask, before, filled());
        found = one.find(row.ask);
        CHECK((!found.entry || found.soft_purged));
        REQUIRE(one.fill(row.ask, one.lease(row.ask, false), filled()).outcome ==
                FillOutcome::stored);
        found = one.find(row.ask);
        CHECK(found.entry);
        CHECK_FALSE(found.soft_purged);
        one.purge(purge_key("articles:42"));
    }
}

TEST_CASE_FIXTURE(OneRedis, "a soft mark that goes with its key does not make the next entry old") {
    store::PurgeOrder soft = purge_key("articles:42");
    soft.soft = true;
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.purge(soft) == store::PurgeOutcome::done);
    const Lease lease = one.lease(article);
    CHECK_FALSE(lease.soft_id.empty());
    redis.run({"DEL", "articles:42"});  // evicted, or expired
    CHECK(one.fill(article, lease, response("new")).outcome == FillOutcome::stored);
    const Found found = one.find(article);
    REQUIRE(found.entry);
    CHECK_FALSE(found.soft_purged);
}

TEST_CASE_FIXTURE(OneRedis, "variants: by host, by the named fields, and never another's") {
    const TestRequest a("a.example", {{"Accept", "text/html"}});
    const TestRequest json("a.example", {{"Accept", "application/json"}});
    const TestRequest other_host("b.example", {{"Accept", "text/html"}});
    auto entry = response("html");
    entry->vary = {"accept"};
    REQUIRE(one.fill(article, one.lease(article, false, a), entry, a).outcome ==
            FillOutcome::stored);
    CHECK(one.get(article, a) == "html");
    const Found miss = one.find(article, json);
    CHECK_FALSE(miss.entry);
    CHECK(miss.other_variant);
    CHECK(one.get(article, other_host).empty());
    REQUIRE(one.put(article, "b's", other_host) == FillOutcome::stored);
    CHECK(one.get(article, a) == "html");
    CHECK(one.get(article, other_host) == "b's");
    // Without Vary from now on.
    REQUIRE(one.put(article, "plain", a) == FillOutcome::stored);
    CHECK(one.get(article, json) == "plain");
}

TEST_CASE_FIXTURE(OneRedis, "a key holds a bounded number of variants") {
    for (int i = 0; i < 150; ++i)
        REQUIRE(one.put(article, "x", TestRequest("h" + std::to_string(i))) == FillOutcome::stored);
    CHECK(std::stoi(redis.run({"HLEN", "articles:42"})) <= 128);
    CHECK(one.get(article, TestRequest("h149")) == "x");
}

TEST_CASE_FIXTURE(OneRedis, "two instances: one fetches, the other waits for its result") {
    Instance two(redis.url());
    REQUIRE(two.wait_available());
    const Lease mine = one.lease(article);
    REQUIRE(mine.lock == Lease::Lock::mine);
    CHECK(two.lease(article).lock == Lease::Lock::theirs);
    const Lease other = two.lease(article, true, TestRequest("b.example"));
    CHECK(other.lock == Lease::Lock::mine);
    SUBCASE("filled") {
        const long before = reads_of(redis);
        auto waiting = std::async(std::launch::async, [&] { return two.wait(article, 2s); });
        REQUIRE(eventually([&] { return reads_of(redis) > before + 1; }));
        one.fill(article, mine, response("theirs"));
        const auto waited = waiting.get();
        REQUIRE(waited.entry);
        CHECK(waited.entry->body() == "theirs");
        CHECK(two.lease(article).lock == Lease::Lock::mine);
    }
    SUBCASE("given up") {
        one.release(mine);
        const auto waited = two.wait(article, 2s);
        CHECK_FALSE(waited.entry);
        CHECK_FALSE(waited.timed_out);
        CHECK(two.lease(article).lock == Lease::Lock::mine);
    }
    SUBCASE("uncacheable") {
        one.release(mine, LeaseEnd::uncacheable);
        CHECK(two.wait(article, 2s).uncacheable);
        CHECK(two.lease(article).lock == Lease::Lock::uncacheable);
    }
    SUBCASE("too slow") { CHECK(two.wait(article, 60ms).timed_out); }
    SUBCASE("a purge frees later readers from a fetch that began before it") {
        const std::uint64_t before = one.generations.now();
        two.purge(purge_key("articles:42"));
        CHECK(two.lease(article).lock == Lease::Lock::mine);
        REQUIRE(eventually([&] { return one.generations.now() > before; }));
        CHECK(one.fill(article, mine, response("old")).outcome == FillOutcome::purged);
        CHECK(one.lease(article).lock == Lease::Lock::theirs);
    }
    SUBCASE("a slow one keeps its lock") {
        for (const Lease& lease : {mine, other}) {
            // The first has made the guard, which carries its lock.
            const std::string& lock = lease.made_guard ? lease.guard_key : lease.lock_key;
            REQUIRE(redis.run({"PEXPIRE", lock, "1000"}) == "1");
            one.prolong(lease);
            CHECK(eventually([&] { return std::stoi(redis.run({"PTTL", lock})) > 4500; }, 500ms));
            CHECK(std::stoi(redis.run({"PTTL", mine.guard_key})) <= 5000);
        }
    }
}

TEST_CASE("everything stays inside the prefix") {
    RedisServer redis;
    Instance one(redis.url(), 1, [](settings::Redis& s) { s.prefix = "p1:"; });
    Instance two(redis.url(), 1, [](settings::Redis& s) { s.prefix = "p2:"; });
    REQUIRE(one.wait_available());
    REQUIRE(two.wait_available());
    REQUIRE(one.put(list, "one's") == FillOutcome::stored);
    REQUIRE(two.put(list, "two's") == FillOutcome::stored);
    two.purge(purge_pattern("articles:list:*"));
    store::PurgeOrder all;
    all.scan_patterns.push_back("*");
    two.purge(all);
    CHECK(one.get(list) == "one's");
    CHECK(two.get(list).empty());
    CHECK(redis.run({"EXISTS", "p1:articles:list:0:20"}) == "1");
}

TEST_CASE_FIXTURE(OneRedis, "a large body travels compressed, a damaged one is a miss") {
    const std::string body(200'000, 'a');
    REQUIRE(one.put(article, body) == FillOutcome::stored);
    CHECK(one.get(article) == body);
    CHECK(std::stoi(redis.run({"HSTRLEN", "articles:42", "v:a.example"})) < 10'000);
    redis.run({"HSET", "articles:42", "v:a.example", "LRD\x01 nonsense"});
    CHECK(one.get(article).empty());
    redis.run({"SET", "articles:42", "another kind"});
    CHECK(one.find(article).state == RedisState::ok);
    CHECK(one.get(article).empty());
}

TEST_CASE("workers share connections where there may be few") {
    RedisServer redis;
    for (const int connections : {1, 2, 3}) {
        CAPTURE(connections);
        Instance one(redis.url(), 3, [&](settings::Redis& s) { s.max_connections = connections; });
        REQUIRE(one.wait_available());
        for (int worker = 0; worker < 3; ++worker) {
            REQUIRE(eventually(
                [&] { return one.find(article, TestRequest(), worker).state == RedisState::ok; }));
            const Lease lease = one.lease(article, false, TestRequest(), worker);
            CHECK(one.fill(article, lease, response("w"), TestRequest(), worker).outcome ==
                  FillOutcome::stored);
            CHECK(one.find(article, TestRequest(), worker).entry);
            CHECK(one.purge(purge_key("articles:42"), "", worker) == store::PurgeOutcome::done);
        }
        const std::string clients = redis.run({"CLIENT", "LIST"});
        int ours = 0;
        for (std::size_t at = clients.find("name=larder"); at != clients.npos;
             at = clients.find("name=larder", at + 1))
            ++ours;
        CHECK(ours <= connections);
    }
}

TEST_CASE("the ways in: a Unix socket, a database, passwords") {
    RedisServer redis(
        {"--requirepass", "s3cret", "--user", "app", "on", ">p%w", "~*", "+@all", "&*"});
    for (const std::string& url :
         {"redis://:s3cret@127.0.0.1:" + std::to_string(redis.port()) + "/3",
          "redis://app:p%25w@127.0.0.1:" + std::to_string(redis.port()),
          "unix://:s3cret@" + redis.directory() + "/socket?db=2"}) {
        CAPTURE(url);
        Instance one(url);
        REQUIRE(one.wait_available());
        CHECK(one.put(article, "in") == FillOutcome::stored);
        CHECK(one.get(article) == "in");
    }
    Instance stranger(redis.url());
    CHECK_FALSE(stranger.wait_available(300ms));
    CHECK(stranger.shared->reporter().last_refusal()->text.starts_with("NOAUTH"));
    CHECK(stranger.find(article).state == RedisState::down);
}

}  // namespace
}  // namespace larder::redis
