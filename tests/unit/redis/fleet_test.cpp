#include "redis/fleet.hpp"

#include <doctest/doctest.h>

#include "cache/vary.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"
#include "unit/support/heads.hpp"

namespace larder::redis {
namespace {

constexpr std::uint32_t rules = 1;

/// A cluster of two masters with a slot map, and a memory tier that is trusted.
struct Scene {
    Scene() {
        static_cast<void>(fleet.apply({range(0, 8191, 7001), range(8192, slots_all - 1, 7002)}));
        memory.trust_until(SteadyTime::max());
    }

    static SlotRange range(int first, int last, std::uint16_t port) {
        return {first, last, {"127.0.0.1", port}};
    }
    void remember(std::string_view key) {
        const test::Request request("GET /a\nHost: a.example");
        cache::Draft entry;
        cache::build_variant(request, entry.vary, true, entry.variant);
        entry.key = key;
        entry.guards = {store::Generations::slot_of_key(key)};
        entry.sequence = generations.now();
        memory.insert(key, cache::make_stored(entry), {rules, entry.sequence, entry.guards.size()});
    }
    [[nodiscard]] bool serves(std::string_view key) const {
        const test::Request request("GET /a\nHost: a.example");
        return memory.find(key, request, true, rules, SteadyTime()).entry != nullptr;
    }

    store::Generations generations;
    store::MemoryStore memory{1 << 20, generations};
    MemoryTrust trust{&memory};
    PurgeJournal journal;
    SharedCallback wake_maintenance;
    RedisFleet fleet{NodeKind::of_cluster, 1, journal, trust, wake_maintenance};
};

TEST_CASE("a changed map makes memory forget, since an old owner tells of no changes") {
    Scene scene;
    scene.remember("articles:42");
    REQUIRE(scene.serves("articles:42"));

    SUBCASE("the same map changes nothing") {
        const auto changes = scene.fleet.apply(
            {Scene::range(0, 8191, 7001), Scene::range(8192, slots_all - 1, 7002)});
        CHECK_FALSE(changes.any);
        CHECK(scene.serves("articles:42"));
    }
    SUBCASE("a new map with one slot elsewhere") {
        const auto changes = scene.fleet.apply(
            {Scene::range(0, 8190, 7001), Scene::range(8191, slots_all - 1, 7002)});
        CHECK(changes.any);
        CHECK_FALSE(scene.serves("articles:42"));
    }
    SUBCASE("another server in the place of a master") {
        const auto changes = scene.fleet.apply(
            {Scene::range(0, 8191, 7001), Scene::range(8192, slots_all - 1, 7003)});
        CHECK(changes.begun.size() == 1);
        CHECK_FALSE(scene.serves("articles:42"));
    }
    SUBCASE("a node says that a slot has moved") {
        scene.fleet.move_slot(5, scene.fleet.lane_of(slots_all - 1));
        CHECK_FALSE(scene.serves("articles:42"));
    }
}

TEST_CASE("a failover takes place in the lane of the master that is gone") {
    Scene scene;
    const int lost = scene.fleet.lane_of(slots_all - 1);
    const auto changes =
        scene.fleet.apply({Scene::range(0, 8191, 7001), Scene::range(8192, slots_all - 1, 7003)});
    CHECK(changes.begun == std::vector<int>{lost});
    CHECK(changes.ended.empty());
    CHECK(scene.fleet.lane_of(slots_all - 1) == lost);
    CHECK(scene.fleet.lane(lost).address().target() == RedisAddress{"127.0.0.1", 7003});
}

}  // namespace
}  // namespace larder::redis
