#include "redis/sentinel_words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using Reply = RedisReply;

constexpr SteadyTime noon{1000h};
const RedisAddress old_master{"10.0.0.1", 6379};
const RedisAddress new_master{"10.0.0.2", 6379};
const RedisAddress nowhere;

Reply text(std::string value) {
    Reply reply;
    reply.type = Reply::Type::text;
    reply.text = std::move(value);
    return reply;
}

Reply list(const std::vector<std::string>& values) {
    Reply reply;
    reply.type = Reply::Type::array;
    for (const std::string& value : values) reply.items.push_back(text(value));
    return reply;
}

SentinelWord word_of(RedisAddress master, std::uint64_t epoch = 0, std::size_t group = 3) {
    return {std::move(master), epoch, group};
}

SentinelWord failing_over(RedisAddress master) {
    SentinelWord word = word_of(std::move(master));
    word.is_failing_over = true;
    return word;
}

TEST_CASE("a sentinel names the master, with its epoch and the size of its group") {
    const Reply master = list({"name", "m", "ip", "10.0.0.1", "port", "6379", "flags", "master",
                               "num-other-sentinels", "2", "config-epoch", "7"});
    const auto word = read_sentinel_word(master, list({"10.0.0.1", "6379"}));
    REQUIRE(word);
    CHECK(word->master == old_master);
    CHECK(word->epoch == 7);
    CHECK(word->group == 3);
    CHECK_FALSE(word->is_failing_over);

    SUBCASE("a sentinel that tells the address only is understood too") {
        Reply refused;
        refused.type = Reply::Type::error;
        refused.text = "NOPERM this user has no permissions to run the 'sentinel|master' command";
        const auto little = read_sentinel_word(refused, list({"10.0.0.1", "6379"}));
        REQUIRE(little);
        CHECK(little->master == old_master);
        CHECK(little->epoch == 0);
        CHECK(little->group == 0);
    }
    SUBCASE("what is no address names no master") {
        CHECK_FALSE(read_sentinel_word(master, Reply()));
        CHECK_FALSE(read_sentinel_word(master, list({"10.0.0.1"})));
        CHECK_FALSE(read_sentinel_word(master, list({"", "6379"})));
        CHECK_FALSE(read_sentinel_word(master, list({"10.0.0.1", "0"})));
        CHECK_FALSE(read_sentinel_word(master, list({"10.0.0.1", "65536"})));
        CHECK_FALSE(read_sentinel_word(master, list({"10.0.0.1", "x"})));
    }
}

TEST_CASE("a sentinel is failing over until it names the promoted replica") {
    const Reply master =
        list({"ip", "10.0.0.1", "port", "6379", "flags", "master,o_down,failover_in_progress"});
    CHECK(read_sentinel_word(master, list({"10.0.0.1", "6379"}))->is_failing_over);
    CHECK_FALSE(read_sentinel_word(master, list({"10.0.0.2", "6379"}))->is_failing_over);
}

TEST_CASE("the master that sentinels name may be used for a while from when they were asked") {
    SentinelWords words(3);
    CHECK(words.judge(nowhere, nowhere, noon).doubt == MasterDoubt::unheard);
    words.heard(0, word_of(old_master), noon);
    auto judgement = words.judge(nowhere, nowhere, noon);
    CHECK(judgement.master == old_master);
    CHECK(judgement.doubt == MasterDoubt::few);
    CHECK(judgement.until == SteadyTime{});
    words.heard(2, word_of(old_master), noon + 100ms);
    judgement = words.judge(old_master, nowhere, noon + 100ms);
    CHECK(judgement.doubt == MasterDoubt::none);
    CHECK(judgement.until == noon + sentinel_counts_for);
    words.heard(1, word_of(old_master), noon + 200ms);
    CHECK(words.judge(old_master, nowhere, noon + 200ms).until ==
          noon + 100ms + sentinel_counts_for);

    SUBCASE("half of a group that falls silent leaves no majority to be sure of") {
        const SteadyTime later = noon + 1s;
        words.heard(0, word_of(old_master), later + 150ms);
        judgement = words.judge(old_master, nowhere, later + 200ms);
        CHECK(judgement.master == old_master);
        CHECK(judgement.doubt == MasterDoubt::few);
    }
    SUBCASE("all of them") {
        judgement = words.judge(old_master, nowhere, noon + 1200ms);
        CHECK_FALSE(judgement.master);
        CHECK(judgement.doubt == MasterDoubt::unheard);
    }
}

TEST_CASE("so many sentinels must be heard that the rest of their group is no majority") {
    struct Case {
        std::size_t listed;
        std::size_t group;
        std::size_t needed;
    };
    // A list may be longer than the group, or name a part of it.
    for (const Case& one : {Case{1, 1, 1}, Case{1, 3, 1}, Case{2, 2, 1}, Case{3, 3, 2},
                            Case{5, 1, 1}, Case{5, 5, 3}, Case{4, 4, 2}, Case{3, 0, 2}}) {
        CAPTURE(one.listed);
        CAPTURE(one.group);
        SentinelWords words(one.listed);
        for (std::size_t heard = 1; heard <= one.needed; ++heard) {
            words.heard(heard - 1, word_of(old_master, 0, one.group), noon);
            const bool is_enough = words.judge(nowhere, nowhere, noon).doubt == MasterDoubt::none;
            CHECK(is_enough == (heard == one.needed));
        }
    }
}

TEST_CASE("the highest epoch names the master, however many sentinels lag behind") {
    SentinelWords words(3);
    for (std::size_t i = 0; i < 3; ++i) words.heard(i, word_of(old_master, 4), noon);
    words.heard(2, word_of(new_master, 5), noon + 100ms);
    CHECK(words.judge(old_master, nowhere, noon + 100ms).master == new_master);
    CHECK(words.judge(new_master, nowhere, noon + 100ms).doubt == MasterDoubt::none);

    // The only one that knew falls silent.
    const auto only_laggards_at = [&](SteadyTime now) {
        words.heard(0, word_of(old_master, 4), now);
        words.heard(1, word_of(old_master, 4), now);
        return words.judge(new_master, nowhere, now);
    };
    CHECK(only_laggards_at(noon + 1s).master == new_master);
    CHECK_FALSE(only_laggards_at(noon + 2s).master);
    CHECK(only_laggards_at(noon + 5s).doubt == MasterDoubt::outdated);
    CHECK(only_laggards_at(noon + 5s).until == SteadyTime{});

    SUBCASE("half of them still say so long after: they were made anew") {
        CHECK(only_laggards_at(noon + 6s).master == old_master);
    }
    SUBCASE("fewer than that are cut off from the others") {
        words.heard(0, word_of(old_master, 4), noon + 10s);
        CHECK(words.judge(new_master, nowhere, noon + 10s).doubt == MasterDoubt::outdated);
    }
}

TEST_CASE("of words of one epoch the one about the present master counts") {
    SentinelWords words(2);
    words.heard(0, word_of(old_master), noon);
    words.heard(1, word_of(new_master), noon);
    CHECK(words.judge(old_master, nowhere, noon).master == old_master);
    CHECK(words.judge(new_master, nowhere, noon).master == new_master);
    // It has turned out that this is no master.
    CHECK(words.judge(old_master, old_master, noon).master == new_master);
    words.heard(1, word_of(old_master), noon);
    CHECK(words.judge(old_master, old_master, noon).master == old_master);
}

TEST_CASE("a master that is being failed over is not used") {
    SentinelWords words(3);
    words.heard(0, word_of(old_master), noon);
    words.heard(1, word_of(old_master), noon);
    words.heard(2, failing_over(old_master), noon);
    const auto judgement = words.judge(old_master, nowhere, noon);
    CHECK(judgement.master == old_master);
    CHECK(judgement.doubt == MasterDoubt::failing_over);
    CHECK(judgement.until == SteadyTime{});
    // One has won, another one has not heard of it yet.
    words.heard(0, word_of(new_master, 1), noon + 100ms);
    CHECK(words.judge(old_master, nowhere, noon + 100ms).master == new_master);
    CHECK(words.judge(new_master, nowhere, noon + 100ms).doubt == MasterDoubt::none);
}

}  // namespace
}  // namespace larder::redis
