#include "store/memory_shard.hpp"

#include <doctest/doctest.h>

#include <cstdint>

namespace larder::store {
namespace {

/// A shard with the keys "a", "b" and "c", which came in this order.
struct Scene {
    MemoryShard shard;
    StoredResponse* a = add(1, "a");
    StoredResponse* b = add(2, "b");
    StoredResponse* c = add(3, "c");

    /// In front of the key's other variants.
    StoredResponse* add(std::uint64_t hash, const char* key) {
        cache::Draft draft;
        draft.key = key;
        auto* entry = const_cast<StoredResponse*>(cache::make_stored(draft).detach());
        shard.add(hash, shard.table.find(hash, key), entry);
        return entry;
    }
    cache::Stored take_out(std::uint64_t hash, StoredResponse* entry) {
        shard.take_out(hash, entry);
        return {entry, false};
    }
};

TEST_CASE("the oldest key that was not visited is evicted, and a visited one is spared once") {
    Scene scene;
    scene.a->visited = true;
    CHECK(scene.shard.next_victim(nullptr) == scene.b);
    const auto gone = scene.take_out(2, scene.b);
    CHECK_FALSE(bool{scene.a->visited});
    CHECK(scene.shard.next_victim(nullptr) == scene.c);
    // At the newest the hand begins with the oldest again.
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
}

TEST_CASE("a key that is taken out under the hand is not met again") {
    Scene scene;
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
    const auto gone = scene.take_out(2, scene.b);  // the next one
    CHECK(scene.shard.next_victim(nullptr) == scene.c);
    const auto newest = scene.take_out(3, scene.c);
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
}

TEST_CASE("a spared key is never the victim, and alone it ends the search") {
    Scene scene;
    CHECK(scene.shard.next_victim(scene.a) == scene.b);
    const auto first = scene.take_out(2, scene.b);
    const auto second = scene.take_out(3, scene.c);
    CHECK(scene.shard.next_victim(scene.a) == nullptr);
    const auto third = scene.take_out(1, scene.a);
    CHECK(scene.shard.next_victim(nullptr) == nullptr);
}

TEST_CASE("a shard finds its keys by hash and key, and forgets what is taken out") {
    Scene scene;
    StoredResponse* same_hash = scene.add(1, "z");
    CHECK(scene.shard.table.find(1, "a") == scene.a);
    CHECK(scene.shard.table.find(1, "z") == same_hash);
    CHECK(scene.shard.table.find(2, "a") == nullptr);
    const auto gone = scene.take_out(1, scene.a);
    CHECK(scene.shard.table.find(1, "a") == nullptr);
    CHECK(scene.shard.table.find(1, "z") == same_hash);
}

TEST_CASE("the newest variant has its key's place, and the next one inherits it") {
    Scene scene;
    scene.a->visited = true;
    StoredResponse* newer = scene.add(1, "a");
    CHECK(scene.shard.table.find(1, "a") == newer);
    CHECK(next_variant(*newer) == scene.a);
    CHECK(bool{newer->visited});
    CHECK(&scene.shard.keys.front() == newer);
    CHECK(scene.shard.entries == 3 + 1);
    SUBCASE("where it goes") {
        const auto gone = scene.take_out(1, newer);
        CHECK(scene.shard.table.find(1, "a") == scene.a);
        CHECK(&scene.shard.keys.front() == scene.a);
        CHECK(next_variant(*scene.a) == nullptr);
    }
    SUBCASE("where an older one goes") {
        const auto gone = scene.take_out(1, scene.a);
        CHECK(scene.shard.table.find(1, "a") == newer);
        CHECK(next_variant(*newer) == nullptr);
    }
    SUBCASE("where another one is put in its place") {
        cache::Draft draft;
        draft.key = "a";
        auto* by = const_cast<StoredResponse*>(cache::make_stored(draft).detach());
        scene.shard.replace(1, newer, by);
        const cache::Stored gone(newer, false);
        CHECK(scene.shard.table.find(1, "a") == by);
        CHECK(next_variant(*by) == scene.a);
        CHECK(&scene.shard.keys.front() == by);
    }
    CHECK(scene.shard.next_victim(nullptr) == scene.b);
}

TEST_CASE("the hand stays where it is when the variant under it changes") {
    Scene scene;
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
    StoredResponse* newer = scene.add(2, "b");  // the next one
    CHECK(scene.shard.next_victim(nullptr) == newer);
}

}  // namespace
}  // namespace larder::store
