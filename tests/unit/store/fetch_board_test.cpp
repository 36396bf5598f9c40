#include "store/fetch_board.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace larder::store {
namespace {

struct Scene {
    Generations generations;
    FetchBoard board{generations};

    FetchBoard::Place ask(std::string_view key = "articles:42", std::string_view name = "a") {
        Guards guards;
        guards.slots = guard_slots(key, key.size(), {});
        return board.join_or_lead(key, name, std::move(guards));
    }
};

TEST_CASE("the first who asks leads, all others join, and each name has a fetch of its own") {
    Scene scene;
    const auto first = scene.ask();
    CHECK(first.leads);
    const auto second = scene.ask();
    CHECK_FALSE(second.leads);
    CHECK(second.fetch == first.fetch);
    CHECK(scene.board.find("a") == first.fetch);
    const auto other = scene.ask("articles:42", "b");
    CHECK(other.leads);
    CHECK(other.fetch != first.fetch);
    CHECK(scene.board.find("c") == nullptr);
}

TEST_CASE("a fetch that has ended gives its place back") {
    Scene scene;
    FetchPtr old;
    {
        const FetchDuty duty(scene.board, scene.ask().fetch);
        old = duty.fetch();
        CHECK_FALSE(scene.ask().leads);
    }
    CHECK(scene.board.find("a") == nullptr);
    const auto next = scene.ask();
    CHECK(next.leads);
    CHECK(next.fetch != old);
}

TEST_CASE("a duty that moves gives the place back once, at the end of its last owner") {
    Scene scene;
    {
        FetchDuty first(scene.board, scene.ask().fetch);
        const FetchDuty second(std::move(first));
        CHECK_FALSE(scene.ask().leads);
    }
    CHECK(scene.ask().leads);
}

TEST_CASE("nobody joins a fetch from before a purge, and its end leaves the new one alone") {
    Scene scene;
    auto old = std::make_unique<FetchDuty>(scene.board, scene.ask().fetch);
    scene.generations.purge(Generations::slot_of_key("articles:42"));
    CHECK(scene.board.find("a") == nullptr);
    const auto next = scene.ask();
    CHECK(next.leads);
    CHECK(next.fetch != old->fetch());
    old.reset();
    CHECK(scene.board.find("a") == next.fetch);
    CHECK_FALSE(scene.ask().leads);
}

TEST_CASE("a purge of another key closes no door") {
    Scene scene;
    const auto first = scene.ask();
    scene.generations.purge(Generations::slot_of_key("articles:43"));
    CHECK(scene.ask().fetch == first.fetch);
}

TEST_CASE("a pattern closes the doors of the fetches whose keys match") {
    Scene scene;
    static_cast<void>(scene.ask("articles:42", "a"));
    static_cast<void>(scene.ask("users:7", "b"));
    scene.generations.begin_scan();
    scene.board.close_matching("articles:*");
    CHECK(scene.ask("articles:42", "a").leads);
    CHECK_FALSE(scene.ask("users:7", "b").leads);
}

TEST_CASE("of many threads that ask at once, one leads") {
    Scene scene;
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> leaders{0};
        std::atomic<bool> go{false};
        std::vector<std::thread> threads;
        std::vector<FetchPtr> fetches(4);
        for (FetchPtr& fetch : fetches)
            threads.emplace_back([&] {
                while (!go) std::this_thread::yield();
                const auto place = scene.ask();
                fetch = place.fetch;
                leaders += place.leads ? 1 : 0;
            });
        go = true;
        for (std::thread& thread : threads) thread.join();
        CHECK(leaders == 1);
        for (const FetchPtr& fetch : fetches) CHECK(fetch == fetches.front());
        scene.board.leave(fetches.front());
    }
}

}  // namespace
}  // namespace larder::store
