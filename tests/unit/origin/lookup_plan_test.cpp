#include "origin/lookup_plan.hpp"

#include <doctest/doctest.h>

namespace larder::origin {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime start{1000s};

struct Scene {
    LookupPlan plan{30s};
    void look_up(SteadyTime at, bool answered) {
        REQUIRE(plan.is_due(at));
        plan.begin(at);
        CHECK_FALSE(plan.is_due(at + 1h));  // one at a time
        plan.end(at + 10ms, answered);
    }
};

TEST_CASE("the first lookup is due at once, and the next ones when the interval is over") {
    Scene scene;
    scene.look_up(start, true);
    CHECK_FALSE(scene.plan.is_due(start + 30s));
    scene.look_up(start + 30s + 10ms, true);
}

TEST_CASE("a failed lookup is repeated sooner") {
    Scene scene;
    scene.look_up(start, false);
    CHECK_FALSE(scene.plan.is_due(start + 5s));
    CHECK(scene.plan.is_due(start + 5s + 10ms));
    LookupPlan often(2s);
    often.begin(start);
    often.end(start, false);
    CHECK(often.is_due(start + 2s));
}

TEST_CASE("a demand makes a lookup due, at most one a second") {
    Scene scene;
    scene.look_up(start, true);
    scene.plan.demand();
    CHECK_FALSE(scene.plan.is_due(start + 999ms));
    scene.look_up(start + 1s, true);
    CHECK_FALSE(scene.plan.is_due(start + 30s));
    scene.look_up(start + 40s, true);
    scene.plan.demand();
    CHECK(scene.plan.is_due(start + 42s));
}

TEST_CASE("a demand while a lookup is under way asks for another one") {
    Scene scene;
    scene.plan.begin(start);
    scene.plan.demand();
    scene.plan.end(start + 200ms, true);
    CHECK_FALSE(scene.plan.is_due(start + 999ms));
    CHECK(scene.plan.is_due(start + 1s));
}

TEST_CASE("a lookup that took long is not followed by another one at once") {
    Scene scene;
    scene.plan.begin(start);
    scene.plan.end(start + 20s, false);
    CHECK_FALSE(scene.plan.is_due(start + 24s));
    CHECK(scene.plan.is_due(start + 25s));
}

}  // namespace
}  // namespace larder::origin
