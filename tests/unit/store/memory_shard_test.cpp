#include "store/memory_shard.hpp"

#include <doctest/doctest.h>

#include <memory>

namespace larder::store {
namespace {

/// A shard with the keys "a", "b" and "c", which came in this order.
struct Scene {
    MemoryShard shard;
    Node* a = shard.add(1, "a");
    Node* b = shard.add(2, "b");
    Node* c = shard.add(3, "c");

    std::unique_ptr<Node> take_out(Node* node) {
        shard.take_out(node);
        return std::unique_ptr<Node>(node);
    }
};

TEST_CASE("the oldest node that was not visited is evicted, and a visited one is spared once") {
    Scene scene;
    scene.a->visited = true;
    CHECK(scene.shard.next_victim(nullptr) == scene.b);
    const auto gone = scene.take_out(scene.b);
    CHECK_FALSE(scene.a->visited);
    CHECK(scene.shard.next_victim(nullptr) == scene.c);
    // At the newest the hand begins with the oldest again.
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
}

TEST_CASE("a node that is taken out under the hand is not met again") {
    Scene scene;
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
    const auto gone = scene.take_out(scene.b);  // the next one
    CHECK(scene.shard.next_victim(nullptr) == scene.c);
    const auto newest = scene.take_out(scene.c);
    CHECK(scene.shard.next_victim(nullptr) == scene.a);
}

TEST_CASE("a spared node is never the victim, and alone it ends the search") {
    Scene scene;
    CHECK(scene.shard.next_victim(scene.a) == scene.b);
    const auto first = scene.take_out(scene.b);
    const auto second = scene.take_out(scene.c);
    CHECK(scene.shard.next_victim(scene.a) == nullptr);
    const auto third = scene.take_out(scene.a);
    CHECK(scene.shard.next_victim(nullptr) == nullptr);
}

TEST_CASE("a shard finds its nodes by hash and key, and forgets what is taken out") {
    Scene scene;
    Node* same_hash = scene.shard.add(1, "z");
    CHECK(scene.shard.table.find(1, "a") == scene.a);
    CHECK(scene.shard.table.find(1, "z") == same_hash);
    CHECK(scene.shard.table.find(2, "a") == nullptr);
    const auto gone = scene.take_out(scene.a);
    CHECK(scene.shard.table.find(1, "a") == nullptr);
    CHECK(scene.shard.table.find(1, "z") == same_hash);
}

}  // namespace
}  // namespace larder::store
