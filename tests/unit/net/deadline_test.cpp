#include "net/deadline.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <utility>

namespace larder::net {
namespace {

using namespace std::chrono_literals;

/// A deadline that notes when it passed.
struct Watched {
    explicit Watched(DeadlineWheel& wheel) : deadline(wheel, &Watched::expire, this) {}

    static void expire(void* self) {
        auto& watched = *static_cast<Watched*>(self);
        ++watched.times;
        watched.passed_at = steady_now();
        if (watched.again) watched.deadline.set(*std::exchange(watched.again, std::nullopt));
    }

    Deadline deadline;
    int times = 0;
    SteadyTime passed_at;
    std::optional<SteadyTime> again;  // set at the first expiry
};

struct Scene {
    boost::asio::io_context context{1};
    DeadlineWheel wheel{context};
};

TEST_CASE("a deadline passes once, and never early") {
    Scene scene;
    Watched near(scene.wheel);
    Watched far(scene.wheel);
    const SteadyTime begin = steady_now();
    far.deadline.set(begin + 90ms);
    near.deadline.set(begin + 10ms);
    scene.context.run();
    CHECK(near.times == 1);
    CHECK(far.times == 1);
    CHECK(near.passed_at >= begin + 10ms);
    CHECK(far.passed_at >= begin + 90ms);
    CHECK(near.passed_at < far.passed_at);
}

TEST_CASE("a deadline in the past passes with the next turn") {
    Scene scene;
    Watched past(scene.wheel);
    past.deadline.set(steady_now() - 1h);
    CHECK(past.times == 0);
    scene.context.run();
    CHECK(past.times == 1);
}

TEST_CASE("a deadline moves later and earlier") {
    Scene scene;
    Watched later(scene.wheel);
    Watched earlier(scene.wheel);
    const SteadyTime begin = steady_now();
    later.deadline.set(begin + 10ms);
    later.deadline.set(begin + 120ms);
    earlier.deadline.set(begin + 1h);
    earlier.deadline.set(begin + 10ms);
    scene.context.run();
    CHECK(later.times == 1);
    CHECK(later.passed_at >= begin + 120ms);
    CHECK(earlier.times == 1);
    CHECK(earlier.passed_at < later.passed_at);
}

TEST_CASE("a deadline that is cleared or destroyed does not pass, and its slot's others do") {
    Scene scene;
    const SteadyTime at = steady_now() + 10ms;
    Watched first(scene.wheel);
    Watched cleared(scene.wheel);
    Watched last(scene.wheel);
    first.deadline.set(at);
    cleared.deadline.set(at);
    {
        Watched destroyed(scene.wheel);
        destroyed.deadline.set(at);
        last.deadline.set(at);
    }
    cleared.deadline.clear();
    cleared.deadline.clear();
    scene.context.run();
    CHECK(first.times == 1);
    CHECK(cleared.times == 0);
    CHECK(last.times == 1);
}

TEST_CASE("a deadline may be set again when it passes") {
    Scene scene;
    Watched watched(scene.wheel);
    const SteadyTime begin = steady_now();
    watched.again = begin + 80ms;
    watched.deadline.set(begin + 10ms);
    scene.context.run();
    CHECK(watched.times == 2);
    CHECK(watched.passed_at >= begin + 80ms);
}

// The wheel has 2048 slots of 32 ms: what is later than 65 s shares a slot with an earlier time.
TEST_CASE("a deadline beyond one turn of the wheel does not pass with an earlier one") {
    Scene scene;
    Watched near(scene.wheel);
    Watched far(scene.wheel);
    const SteadyTime begin = steady_now();
    near.deadline.set(begin + 20ms);
    far.deadline.set(begin + 20ms + 2048 * 32ms);
    while (near.times == 0) scene.context.run_one();
    CHECK(far.times == 0);
}

TEST_CASE("a wheel that stops ends all deadlines, and those set later at once") {
    Scene scene;
    Watched waiting(scene.wheel);
    Watched later(scene.wheel);
    waiting.deadline.set(steady_now() + 1h);
    scene.wheel.stop();
    CHECK(scene.wheel.stopped());
    CHECK(waiting.times == 1);
    later.deadline.set(steady_now() + 1h);
    CHECK(later.times == 1);
    scene.context.run();  // nothing is left to wait for
    CHECK(waiting.times == 1);
}

}  // namespace
}  // namespace larder::net
