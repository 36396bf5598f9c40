#include "redis/budget.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

void spend(Milliseconds time) {
    const SteadyTime end = steady_now() + time;
    while (steady_now() < end) {
    }
}

TEST_CASE("a budget counts the waits for Redis only") {
    RedisBudget budget;
    { const RedisBudget::Wait wait(budget, 100ms); }
    spend(3ms);  // as a request does that waits for the origin
    const RedisBudget::Wait later(budget, 2ms);
    CHECK_FALSE(later.spent());
}

TEST_CASE("waits are charged together, and nothing is left once they took it all") {
    RedisBudget budget;
    {
        const RedisBudget::Wait wait(budget, 10s);
        CHECK(wait.deadline() - wait.began() == 10s);
        spend(2ms);
    }
    const RedisBudget::Wait more(budget, 10s);
    CHECK(more.deadline() - more.began() <= 10s - 2ms);
    CHECK_FALSE(more.spent());
    const RedisBudget::Wait less(budget, 2ms);
    CHECK(less.spent());
    CHECK(less.deadline() == less.began());
}

}  // namespace
}  // namespace larder::redis
