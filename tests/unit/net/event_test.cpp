#include "net/event.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "net/detached.hpp"

namespace larder::net {
namespace {

using namespace std::chrono_literals;

/// What became of one coroutine that waits.
struct Waiter {
    int waits_over = 0;
    bool stopped = false;
};

Task<void> wait_once(Event& event, Waiter& waiter) {
    const bool goes_on = co_await event.wait();
    waiter.stopped = !goes_on;
    ++waiter.waits_over;
}

Task<void> wait_until_stopped(std::shared_ptr<Event> event, Waiter& waiter) {
    while (true) {
        const bool goes_on = co_await event->wait();
        ++waiter.waits_over;
        if (!goes_on) break;
    }
    waiter.stopped = true;
}

struct Scene {
    boost::asio::io_context context{1};
    Executor executor = context.get_executor();
};

TEST_CASE("a notification that comes before the wait ends the wait") {
    Scene scene;
    Event event(scene.executor);
    Waiter waiter;
    event.notify();
    start_detached(scene.executor, wait_once(event, waiter), "test");
    scene.context.run();
    CHECK(waiter.waits_over == 1);
    CHECK_FALSE(waiter.stopped);
}

TEST_CASE("a notification is remembered for one wait only") {
    Scene scene;
    Event event(scene.executor);
    Waiter first;
    Waiter second;
    event.notify();
    event.notify();
    start_detached(scene.executor, wait_once(event, first), "test");
    scene.context.run();
    scene.context.restart();
    start_detached(scene.executor, wait_once(event, second), "test");
    scene.context.poll();
    CHECK(first.waits_over == 1);
    CHECK(second.waits_over == 0);
    event.notify();
    scene.context.run();
    CHECK(second.waits_over == 1);
}

TEST_CASE("a wait with a time ends by itself") {
    Scene scene;
    Event event(scene.executor);
    Waiter waiter;
    const auto wait_a_moment = [](Event& of, Waiter& who) -> Task<void> {
        const bool goes_on = co_await of.wait_until(steady_now() + 5ms);
        who.stopped = !goes_on;
        ++who.waits_over;
    };
    start_detached(scene.executor, wait_a_moment(event, waiter), "test");
    scene.context.run();
    CHECK(waiter.waits_over == 1);
    CHECK_FALSE(waiter.stopped);
}

TEST_CASE("a stop ends every wait, those of later events too, and the context runs out of work") {
    Scene scene;
    Waiter waiters[3];
    auto gone = std::make_unique<Event>(scene.executor);
    for (Waiter& waiter : waiters)
        start_detached(scene.executor,
                       wait_until_stopped(std::make_shared<Event>(scene.executor), waiter), "test");
    gone.reset();
    scene.context.poll();
    CHECK(waiters[0].waits_over == 0);
    end_all_waits(scene.context);
    Waiter late;
    start_detached(scene.executor,
                   wait_until_stopped(std::make_shared<Event>(scene.executor), late), "test");
    scene.context.run();
    for (const Waiter& waiter : waiters) CHECK(waiter.stopped);
    CHECK(late.stopped);
    CHECK(late.waits_over == 1);
}

TEST_CASE("a wait for a coroutine's own end is not ended by a stop") {
    Scene scene;
    Event event(scene.executor, Event::OnStop::goes_on);
    Waiter waiter;
    start_detached(scene.executor, wait_once(event, waiter), "test");
    scene.context.poll();
    end_all_waits(scene.context);
    scene.context.poll();
    CHECK(waiter.waits_over == 0);
    event.notify();
    scene.context.run();
    CHECK(waiter.waits_over == 1);
    CHECK_FALSE(waiter.stopped);
}

}  // namespace
}  // namespace larder::net
