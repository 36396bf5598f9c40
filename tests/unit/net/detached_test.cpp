#include "net/detached.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "net/deadline.hpp"
#include "net/event.hpp"

namespace larder::net {
namespace {

using namespace std::chrono_literals;

/// Gives itself back in its destructor, as leases and counts do.
struct GivenBack {
    bool& given_back;
    ~GivenBack() { given_back = true; }
};

Task<void> hold_and_fail(bool& given_back) {
    const GivenBack held{given_back};
    Event pause(co_await boost::asio::this_coro::executor);
    const bool goes_on = co_await pause.wait_until(steady_now() + 1ms);
    static_cast<void>(goes_on);
    throw std::runtime_error("on purpose");
}

Task<void> fail_twice(int& attempts) {
    if (++attempts <= 2) throw std::runtime_error("on purpose");
    co_return;
}

Task<void> fail_always(int& attempts) {
    ++attempts;
    throw std::runtime_error("on purpose");
    co_return;
}

TEST_CASE(
    "an exception in a coroutine that nobody waits for is counted, and all it held is given back") {
    boost::asio::io_context context(1);
    bool given_back = false;
    start_detached(context.get_executor(), hold_and_fail(given_back), "a test");
    CHECK(failures_of(context) == 0);
    context.run();
    CHECK(failures_of(context) == 1);
    CHECK(given_back);
}

Task<void> note(std::vector<int>& order, int what) {
    order.push_back(what);
    co_return;
}

TEST_CASE("what is started for later begins after what runs now") {
    boost::asio::io_context context(1);
    std::vector<int> order;
    boost::asio::post(context, [&] {
        start_detached_later(context.get_executor(), note(order, 3), "a test");
        start_detached(context.get_executor(), note(order, 1), "a test");
        order.push_back(2);
    });
    context.run();
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("an exception of a handler ends neither the context nor the other handlers") {
    boost::asio::io_context context(1);
    int ran = 0;
    boost::asio::post(context, [&ran] { ++ran; });
    boost::asio::post(context, [] { throw std::runtime_error("on purpose"); });
    boost::asio::post(context, [] { throw 1; });
    boost::asio::post(context, [&ran] { ++ran; });
    run_context(context, "a test");
    CHECK(ran == 2);
    CHECK(failures_of(context) == 2);
}

TEST_CASE("what is to last is started anew after a failure, until it ends well") {
    boost::asio::io_context context(1);
    int attempts = 0;
    start_lasting(
        context.get_executor(), [&attempts] { return fail_twice(attempts); }, "a test");
    context.run();
    CHECK(attempts == 3);
    CHECK(failures_of(context) == 2);
}

TEST_CASE("what is to last and always fails ends with a stop, and does not spin") {
    boost::asio::io_context context(1);
    int attempts = 0;
    start_lasting(
        context.get_executor(), [&attempts] { return fail_always(attempts); }, "a test");
    context.run_for(150ms);
    CHECK(attempts <= 3);
    end_all_waits(context);
    context.restart();
    context.run();
    CHECK(attempts <= 4);
}

TEST_CASE("a deadline that fails does not take the others along") {
    boost::asio::io_context context(1);
    DeadlineWheel wheel(context);
    int expired = 0;
    Deadline bad(
        wheel, [](void*) { throw std::runtime_error("on purpose"); }, nullptr);
    Deadline good(
        wheel, [](void* count) { ++*static_cast<int*>(count); }, &expired);
    Deadline later(
        wheel, [](void* count) { ++*static_cast<int*>(count); }, &expired);
    const SteadyTime now = steady_now();
    good.set(now + 1ms);
    bad.set(now + 1ms);
    later.set(now + 70ms);
    run_context(context, "a test");
    CHECK(expired == 2);
    CHECK(failures_of(context) == 1);
}

}  // namespace
}  // namespace larder::net
