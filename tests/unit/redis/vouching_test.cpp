#include "redis/vouching.hpp"

#include <doctest/doctest.h>

#include "redis/identity.hpp"
#include "redis/news.hpp"
#include "redis/peers.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

const SteadyTime noon{std::chrono::hours(1000)};

TEST_CASE("a server is read once somebody has vouched for it") {
    VouchingFacts facts;
    facts.has_entries = true;
    facts.vouched = true;
    CHECK(decide_vouching(facts) == Vouching::read);
}

TEST_CASE("a server that holds nothing needs nobody to vouch for it") {
    CHECK(decide_vouching(VouchingFacts{}) == Vouching::vouch);
}

TEST_CASE(
    "an instance vouches for data that bears its mark, once all others have brought their purges") {
    VouchingFacts facts;
    facts.has_entries = true;
    facts.has_mark = true;
    CHECK(decide_vouching(facts) == Vouching::wait);
    facts.all_present = true;
    CHECK(decide_vouching(facts) == Vouching::vouch);
}

TEST_CASE("where nobody can vouch in time everything is purged") {
    VouchingFacts facts;
    facts.has_entries = true;
    facts.all_present = true;
    facts.waited = 500ms;
    CHECK(decide_vouching(facts) == Vouching::wait);
    facts.waited = 1300ms;
    CHECK(decide_vouching(facts) == Vouching::purge_everything);
    facts.has_mark = true;
    facts.all_present =
        false;  // one that was alive does not come: it may have purged what nobody else heard of
    CHECK(decide_vouching(facts) == Vouching::purge_everything);
}

TEST_CASE("who could vouch decides before those who only wait") {
    VouchingFacts could;
    could.has_entries = could.has_mark = true;
    could.waited = 1000ms;
    CHECK(decide_vouching(could) == Vouching::purge_everything);
    VouchingFacts waits;
    waits.has_entries = true;
    waits.waited = 1000ms;
    CHECK(decide_vouching(waits) == Vouching::wait);
}

TEST_CASE("INFO tells which server it is") {
    ServerIdentity identity;
    read_info("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n", identity);
    read_info("# Replication\r\nrole:master\r\nmaster_replid:def\r\nmaster_repl_offset:17\r\n",
              identity);
    CHECK(identity.name() == "abc:def");
    CHECK(identity.offset == 17);
    CHECK_FALSE(identity.replica);
    read_info("role:slave\nmaster_replid:other\n", identity);
    CHECK(identity.replica);
    CHECK(identity.name() == "abc:other");
    ServerIdentity unknown;
    read_info("NOPERM this user has no permissions to run the 'info' command", unknown);
    CHECK(unknown.name().empty());
}

TEST_CASE("news comes back as it was sent, whatever the names hold") {
    const News news{News::Kind::purges,
                    "one",
                    90s,
                    {{PurgeItem::Kind::key, false, "articles:42"},
                     {PurgeItem::Kind::scan, true, "a b\n*\n"},
                     {PurgeItem::Kind::everything, false, ""}}};
    const auto read = decode_news(encode_news(news));
    REQUIRE(read);
    CHECK(read->kind == News::Kind::purges);
    CHECK(read->sender == "one");
    CHECK(read->keep == 90s);
    CHECK(read->items == news.items);
    const auto here = decode_news(encode_news({News::Kind::here, "two"}));
    REQUIRE(here);
    CHECK(here->kind == News::Kind::here);
    CHECK(here->items.empty());
}

TEST_CASE("what is no news is not taken for any") {
    for (const std::string text : {"", "p", "p one", "p one 5", "x one 5\n", "p one five\n",
                                   "p one 5\nkx a\n", "p one 5\nkh ab", "p one 5\nzh a\n", "p  5\n",
                                   "p one 99999999999999999999\n", "p one 5\nkh a%\n"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_news(text));
    }
}

TEST_CASE("a peer that is silent while news flows is gone; one that left is gone at once") {
    RedisPeers peers;
    peers.news_flows(noon);
    peers.heard("a", noon);
    peers.heard("b", noon);
    CHECK(peers.alive().size() == 2);
    peers.left("b");
    REQUIRE(peers.alive().size() == 1);
    for (auto later = 200ms; later <= 3000ms; later += 200ms) peers.news_flows(noon + later);
    CHECK(peers.alive().size() == 1);
    for (auto later = 3200ms; later <= 4000ms; later += 200ms) peers.news_flows(noon + later);
    CHECK(peers.alive().empty());
}

TEST_CASE("a peer that could not be heard is not taken for gone") {
    RedisPeers peers;
    peers.news_flows(noon);
    peers.heard("a", noon);
    peers.news_flows(noon + 60s);  // news was away for a minute
    CHECK(peers.alive().size() == 1);
}

}  // namespace
}  // namespace larder::redis
