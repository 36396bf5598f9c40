#include <doctest/doctest.h>

#include "redis/command.hpp"
#include "redis/ids.hpp"
#include "redis/journal.hpp"
#include "redis/keys.hpp"
#include "redis/purge.hpp"
#include "redis/reply.hpp"

namespace larder::redis {
namespace {

using Kind = PurgeItem::Kind;
const SteadyTime noon{std::chrono::hours(12)};

TEST_CASE(
    "in a cluster a hold stands before the guard is deleted, so that no lease comes between") {
    const RedisKeys keys("p:", RedisKeys::Slots::of_cluster);
    RedisCommands commands;
    add_holds(commands, keys, {{Kind::key, false, "a"}}, "0123456789abcdef", Milliseconds(1));
    REQUIRE(commands.count() == 3);
    CHECK(commands.key(0) == keys.entry("a"));
    CHECK(commands.key(1) == keys.guard("a"));
    CHECK(commands.key(2) == keys.extension("a"));
}

TEST_CASE("replies come out whole however the bytes are cut") {
    const std::string bytes =
        "*3\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:7\r\n-OOM full\r\n+PONG\r\n$0\r\n\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        RedisReplyReader reader;
        std::vector<RedisReply> replies;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            REQUIRE(reader.feed(bytes.data() + at, std::min(step, bytes.size() - at)));
            RedisReply reply;
            while (reader.next(reply) == RedisReplyReader::Next::reply)
                replies.push_back(std::move(reply));
        }
        REQUIRE(replies.size() == 3);
        REQUIRE(replies[0].items.size() == 3);
        CHECK(replies[0].items[0].text == "abc");
        CHECK(replies[0].items[1].is_nil());
        CHECK(replies[0].items[2].items[0].integer == 7);
        CHECK(replies[0].items[2].items[1].is_error("OOM"));
        CHECK(replies[1].text == "PONG");
        CHECK(replies[2].is_text());
    }
}

TEST_CASE("what is no reply is noticed") {
    for (const std::string bytes :
         {"HTTP/1.1 400 Bad Request\r\n", "*2000000000\r\n", "$-7\r\n", "?\r\n", "*1\r\n?"}) {
        CAPTURE(bytes);
        RedisReplyReader reader;
        RedisReply reply;
        CHECK((!reader.feed(bytes.data(), bytes.size()) ||
               reader.next(reply) == RedisReplyReader::Next::broken));
    }
}

TEST_CASE("commands are arrays of bulk strings") {
    RedisCommands commands;
    commands.add("SET", std::string("k\r\n"), -5);
    CHECK(commands.bytes() == "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n-5\r\n");
    CHECK(commands.count() == 1);
}

TEST_CASE("bookkeeping shares its key's hash slot, and is told by name") {
    const RedisKeys keys("p:");
    CHECK(keys.guard("a") == "p:larder:lease:{p:a}");
    CHECK(keys.lock("a", "h") == "p:larder:lock:{p:a}h");
    CHECK(keys.guard("a{b}") == "p:larder:lease:p:a{b}");
    using Named = RedisKeys::Kind;
    CHECK(keys.name_of("p:a").kind == Named::entry);
    CHECK(keys.name_of("p:a").name == "a");
    CHECK(keys.name_of("q:a").kind == Named::other);
    CHECK(keys.name_of(keys.tag("a:*")).name == "a:*");
    CHECK(keys.name_of(keys.extension("a")).name == "a");
    CHECK(keys.name_of(keys.response_tag("t")).kind == Named::response_tag);
    CHECK(keys.name_of(keys.guard("a")).kind == Named::other);
    CHECK(escape_glob("p*:", "a[?]*") == "p\\*:a\\[\\?\\]*");
    CHECK(random_id().size() == 16);
    CHECK(random_id() != random_id());
}

TEST_CASE("ids come apart") {
    CHECK(hard_part("abc") == "abc");
    CHECK(hard_part("abc:d") == "abc");
    CHECK(hard_part_of_response_tag("12:abc") == "12:abc");
    CHECK(hard_part_of_response_tag("12:abc:15-d") == "12:abc");
    CHECK(index_part("12:abc:15-d") == "abc");
    CHECK(last_purge_of("12:abc") == 12u);
    CHECK(last_purge_of("12:abc:15-d") == 15u);
    CHECK_FALSE(last_purge_of("x:abc"));
}

TEST_CASE("a purge asked for again while the first is under way stays in the journal") {
    PurgeJournal journal;
    const std::vector<PurgeItem> items{{Kind::key, false, "a"}, {Kind::key, false, "b"}};
    journal.add(items);
    journal.add(items);
    CHECK(journal.size() == 2);
    const auto sent = journal.pending();
    journal.add({items[0]});
    journal.acknowledged(sent);
    REQUIRE(journal.size() == 1);
    CHECK(journal.pending()[0].item == items[0]);
    journal.acknowledged(journal.pending());
    CHECK(journal.empty());
}

TEST_CASE("a journal that is too long becomes a purge of everything") {
    PurgeJournal journal(3);
    for (const char* name : {"a", "b", "c", "d"}) journal.add({{Kind::key, false, name}});
    REQUIRE(journal.size() == 1);
    const auto everything = journal.pending();
    CHECK(everything[0].item == purge_everything());
    journal.add({{Kind::key, false, "e"}});
    journal.acknowledged(everything);
    CHECK(journal.size() == 1);
    CHECK(journal.pending()[0].item == purge_everything());
}

TEST_CASE(
    "the history forgets what no entry can outlive, and turns into everything when too long") {
    PurgeHistory history(4);
    using std::chrono::seconds;
    history.add({{Kind::key, false, "a"}}, noon, seconds(10));
    history.add({{Kind::key, false, "a"}}, noon, seconds(10));
    history.add({{Kind::pattern, true, "a"}}, noon, seconds(20));
    CHECK(history.recent(noon).size() == 2);
    CHECK(history.recent(noon + seconds(10)).size() == 1);
    for (const char* name : {"b", "c", "d", "e"})
        history.add({{Kind::key, false, name}}, noon, seconds(30));
    REQUIRE(history.recent(noon).size() >= 1);
    CHECK(history.recent(noon)[0] == purge_everything());
    CHECK(history.recent(noon + seconds(31)).empty());
}

TEST_CASE("the history gives what was remembered behind a position, in its order") {
    PurgeHistory history(4);
    using std::chrono::seconds;
    const auto add = [&](const char* name, seconds keep = seconds(30)) {
        history.add({{Kind::key, false, name}}, noon, keep);
    };
    const auto names = [&](std::uint64_t position, seconds later = seconds(0)) {
        std::string joined;
        for (const auto& placed : history.after(position, noon + later))
            joined += placed.item.kind == Kind::everything ? "*" : placed.item.name;
        return joined;
    };
    add("a");
    add("b", seconds(10));
    add("c");
    CHECK(names(0) == "abc");
    CHECK(names(0, seconds(10)) == "ac");
    const std::uint64_t third = history.after(0, noon).back().position;
    CHECK(names(third).empty());
    // Purged again: a server that has done the first one has not done this one.
    add("a");
    CHECK(names(third) == "a");
    CHECK(names(0) == "bca");
    add("d");
    add("e");  // too long
    CHECK(names(third) == "*");
    const std::uint64_t everything = history.after(third, noon).front().position;
    CHECK(names(everything).empty());
    add("f");
    CHECK(names(everything) == "f");
    CHECK(names(third) == "*");
}

TEST_CASE("the history remembers a purge as long as the longest-lived entry, and at least a day") {
    PurgeHistory history;
    using std::chrono::hours;
    CHECK(history.keeps_for() == hours(24));
    history.note_lifetime(hours(48));
    history.note_lifetime(hours(1));
    CHECK(history.keeps_for() == hours(48));
    history.remember({{Kind::key, false, "a"}}, noon);
    CHECK(history.recent(noon + hours(47)).size() == 1);
    CHECK(history.recent(noon + hours(48)).empty());
}

}  // namespace
}  // namespace larder::redis
