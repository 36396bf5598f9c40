#include "redis/confirmations.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime noon{1000h};

NodeWord word_of(std::string who, std::vector<std::string> masters) {
    return {std::move(who), true, std::move(masters)};
}

TEST_CASE("a node's word names the masters with slots that it reaches") {
    const auto word = read_word(
        "aaa 127.0.0.1:1@11,host myself,master - 0 0 1 connected 0-5460\n"
        "bbb 127.0.0.1:2@12 master - 0 1426238316232 2 connected 5461-10922\n"
        "ccc 127.0.0.1:3@13 master,fail? - 1426238316232 1426238316232 3 connected 10923-16000\n"
        "ddd 127.0.0.1:4@14 master,fail - 0 1 4 disconnected 16001-16383\n"
        "eee 127.0.0.1:5@15 slave bbb 0 1 2 connected\n"
        "fff 127.0.0.1:6@16 master - 0 1 5 connected\n"
        "ggg :0@0 master,noaddr - 0 1 6 disconnected 1-2\n");
    REQUIRE(word);
    CHECK(word->myself == "aaa");
    CHECK(word->is_master);
    CHECK(word->masters == std::vector<std::string>{"bbb"});
    CHECK_FALSE(read_word("aaa 127.0.0.1:1@11 myself,slave bbb 0 0 1 connected\n")->is_master);
    CHECK_FALSE(read_word(""));
    CHECK_FALSE(read_word("nonsense\n\n-"));
}

TEST_CASE("so many others must reach a master that the rest is no majority") {
    for (int masters = 1; masters <= 20; ++masters) {
        const int majority = masters / 2 + 1;
        const int rest = masters - 1 - words_needed(masters);
        CHECK(rest < majority);
        // One word less would not do, where any is needed.
        if (words_needed(masters) > 0) CHECK(rest + 1 >= majority);
    }
    CHECK(words_needed(1) == 0);
    CHECK(words_needed(2) == 0);
    CHECK(words_needed(3) == 1);
}

TEST_CASE("a word counts for less time than Redis needs to replace a master") {
    CHECK(word_counts_for < 500ms);
    Confirmations said;
    CHECK(said.until("b", 3) <= SteadyTime{});
    CHECK(said.until("b", 2) == SteadyTime::max());
    said.heard(word_of("a", {"b"}), noon);
    CHECK(said.until("b", 3) == noon + word_counts_for);
    CHECK(said.until("c", 3) <= SteadyTime{});
    // Nobody confirms himself: what "a" says of itself is not among its words.
    CHECK(said.until("a", 3) <= SteadyTime{});
    // Five masters: two words are needed, and the older one decides.
    CHECK(said.until("b", 5) <= SteadyTime{});
    said.heard(word_of("c", {"b"}), noon + 100ms);
    CHECK(said.until("b", 5) == noon + word_counts_for);
    CHECK(said.until("b", 3) == noon + 100ms + word_counts_for);
    said.heard(word_of("a", {"b"}), noon + 200ms);
    CHECK(said.until("b", 5) == noon + 100ms + word_counts_for);
    // An answer that was overtaken takes nothing back.
    said.heard(word_of("a", {"b"}), noon + 50ms);
    CHECK(said.until("b", 5) == noon + 100ms + word_counts_for);
    // Old words are forgotten with the next one.
    said.heard(word_of("a", {"c"}), noon + 10s);
    CHECK(said.until("b", 3) <= SteadyTime{});
}

TEST_CASE("the word of a replica does not count") {
    Confirmations said;
    NodeWord word = word_of("a", {"b"});
    word.is_master = false;
    said.heard(word, noon);
    CHECK(said.until("b", 3) <= SteadyTime{});
}

}  // namespace
}  // namespace larder::redis
