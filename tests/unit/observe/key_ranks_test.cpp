#include "observe/key_ranks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

using namespace larder;
using namespace larder::observe;
using namespace std::chrono_literals;

TEST_CASE("few keys are counted exactly") {
    SpaceSaving table(8);
    for (int i = 0; i < 5; ++i) table.add("a", "/a", 1);
    table.add("b", "/b", 3);
    const auto top = heaviest({table}, 10);
    REQUIRE(top.size() == 2);
    CHECK((top[0].key == "a" && top[0].value == 5 && top[0].error == 0 && top[0].route == "/a"));
    CHECK((top[1].key == "b" && top[1].value == 3));
    CHECK(heaviest({table}, 1).size() == 1);
    CHECK(heaviest({}, 10).empty());
}

TEST_CASE("of many keys the heavy ones are found, and the error bounds the truth") {
    // 64 places for 5,000 keys whose weight falls as 1/rank; two workers share the stream.
    std::mt19937 dice(17);
    std::vector<double> weights;
    for (int rank = 1; rank <= 5000; ++rank) weights.push_back(1.0 / rank);
    std::discrete_distribution<int> pick(weights.begin(), weights.end());
    std::vector<SpaceSaving> tables{SpaceSaving(64), SpaceSaving(64)};
    std::map<std::string, std::uint64_t> truth;
    for (int i = 0; i < 100'000; ++i) {
        const std::string key = "k" + std::to_string(pick(dice));
        ++truth[key];
        tables[static_cast<std::size_t>(i % 2)].add(key, "/k", 1);
    }
    const auto top = heaviest(tables, 10);
    REQUIRE(top.size() == 10);
    for (const RankedKey& key : top) {
        CAPTURE(key.key);
        const std::uint64_t unseen = tables[0].weight_of_others() + tables[1].weight_of_others();
        CHECK(truth[key.key] + key.error >= key.value);
        CHECK(truth[key.key] <= key.value + unseen);
    }
    for (const char* heavy : {"k0", "k1", "k2"})
        CHECK(
            std::any_of(top.begin(), top.end(), [&](const auto& key) { return key.key == heavy; }));
    CHECK(tables[0].all().size() == 64);
}

TEST_CASE("every hit of a slow stream is counted, and of a fast one about as many as there were") {
    HitSampler slow;
    SteadyTime now{};
    for (int i = 0; i < 5000; ++i) CHECK(slow.weight(now += 2ms) == 1);

    HitSampler fast;
    std::uint64_t counted = 0, samples = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        const std::uint32_t weight = fast.weight(now += 5us);
        counted += weight;
        samples += weight > 0;
    }
    CHECK(counted > 990'000);
    CHECK(counted <= 1'000'000);
    CHECK(samples < 60'000);
}

TEST_CASE("a worker ranks by hits, misses, origin time and bytes") {
    KeyRanks ranks;
    ranks.add({.key = "a", .route = "/a", .hit = true, .weight = 4, .bytes = 10});
    ranks.add({.key = "b", .route = "/b", .bytes = 5, .origin_time = 3ms});
    CHECK(ranks.table(RankBy::hits).all().at(0).value == 4);
    CHECK(ranks.table(RankBy::misses).all().at(0).key == "b");
    CHECK(ranks.table(RankBy::origin_time).all().at(0).value == 3'000'000);
    CHECK(heaviest({ranks.table(RankBy::bytes)}, 1).at(0).value == 40);
}
