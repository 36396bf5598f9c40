#include "wire/http2/abuse_budget.hpp"

#include <doctest/doctest.h>

namespace larder::wire::http2 {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime start{1000s};

int resets_allowed(AbuseBudget& budget, SteadyTime now) {
    int count = 0;
    while (budget.spend_reset(now)) ++count;
    return count;
}

int frames_allowed(AbuseBudget& budget, SteadyTime now) {
    int count = 0;
    while (budget.spend_frame(now)) ++count;
    return count;
}

}  // namespace

TEST_CASE("a page's worth of requests may be cancelled, and again after some seconds") {
    AbuseBudget budget;
    CHECK(resets_allowed(budget, start) == 256);
    CHECK(resets_allowed(budget, start) == 0);
    CHECK(resets_allowed(budget, start + 1s) == 32);
    CHECK(resets_allowed(budget, start + 100s) == 256);
}

TEST_CASE("frames that do nothing are limited") {
    AbuseBudget budget;
    CHECK(frames_allowed(budget, start) == 1000);
    CHECK(frames_allowed(budget, start + 2s) == 100);
}

TEST_CASE("useful frames pay for themselves") {
    AbuseBudget budget;
    for (int i = 0; i < 100000; ++i) {
        REQUIRE(budget.spend_frame(start));
        budget.earn_data();
    }
    for (int i = 0; i < 100000; ++i) {
        REQUIRE(budget.spend_frame(start));
        budget.earn_request();
    }
}

TEST_CASE("a client may acknowledge what it got in small steps, also late") {
    AbuseBudget budget;
    for (int i = 0; i < 1000; ++i) budget.earn_sent(16384);
    CHECK(frames_allowed(budget, start + 60s) >= 1000 * 32);
}

TEST_CASE("a head has few CONTINUATION frames") {
    AbuseBudget budget;
    for (int head = 0; head < 100; ++head) {
        budget.begin_head();
        for (int i = 0; i < 8; ++i) CHECK(budget.spend_continuation());
    }
    CHECK(!budget.spend_continuation());
}

}  // namespace larder::wire::http2
