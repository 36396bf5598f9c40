#include "net/task.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "net/detached.hpp"
#include "net/event.hpp"
#include "unit/support/allocation_count.hpp"

namespace larder::net {
namespace {

using namespace std::chrono_literals;
using boost::asio::io_context;

/// Sets a flag in its destructor.
struct Held {
    bool& destroyed;
    ~Held() { destroyed = true; }
};

Task<int> add(int a, int b) { co_return a + b; }

Task<std::unique_ptr<std::string>> make_text() { co_return std::make_unique<std::string>("text"); }

Task<int> fail() {
    throw std::runtime_error("on purpose");
    co_return 0;
}

Task<void> turn() {
    const Executor executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable_t<Executor>{});
}

Task<int> add_later(int a, int b) {
    co_await turn();
    const int sum = co_await add(a, b);
    co_return sum;
}

Task<void> call_others(std::string& seen) {
    const int at_once = co_await add(1, 2);
    const int later = co_await add_later(3, 4);
    const std::unique_ptr<std::string> text = co_await make_text();
    seen = std::to_string(at_once) + " " + std::to_string(later) + " " + *text;
}

TEST_CASE("a coroutine gets the results of those that it awaits, at once or later") {
    io_context context(1);
    std::string seen;
    start_detached(context.get_executor(), call_others(seen), "a test");
    CHECK(seen.empty());
    context.run();
    CHECK(seen == "3 7 text");
}

Task<void> fail_later() {
    co_await turn();
    const int never = co_await fail();
    static_cast<void>(never);
}

Task<void> catch_failures(int& caught) {
    for (const bool later : {false, true}) {
        try {
            if (later) co_await fail_later();
            if (!later) co_await fail();
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
}

TEST_CASE("an exception reaches the coroutine that awaits, at once or later") {
    io_context context(1);
    int caught = 0;
    start_detached(context.get_executor(), catch_failures(caught), "a test");
    context.run();
    CHECK(caught == 2);
}

Task<void> await_often(int& done) {
    for (int i = 0; i < 1'000'000; ++i) {
        const int next = co_await add(done, 1);
        done = next;
    }
}

Task<void> await_turns(int& done) {
    for (; done < 100'000; ++done) co_await turn();
}

/// How many awaits there were.
int count_awaits(Task<void> (*make)(int&)) {
    io_context context(1);
    int done = 0;
    start_detached(context.get_executor(), make(done), "a test");
    context.run();
    return done;
}

TEST_CASE("awaiting leaves nothing on the stack, whether it ends at once or later") {
    CHECK(count_awaits(await_often) == 1'000'000);
    CHECK(count_awaits(await_turns) == 100'000);
}

Task<void> wait_for_ever(bool& destroyed) {
    const Held held{destroyed};
    Event never(co_await boost::asio::this_coro::executor);
    const bool goes_on = co_await never.wait();
    static_cast<void>(goes_on);
}

Task<void> hold_and_wait(bool& outer_destroyed, bool& inner_destroyed) {
    const Held held{outer_destroyed};
    co_await wait_for_ever(inner_destroyed);
}

TEST_CASE("coroutines that still wait when their io_context ends are destroyed, outer ones too") {
    std::optional<io_context> context(std::in_place, 1);
    bool outer = false;
    bool inner = false;
    start_detached(context->get_executor(), hold_and_wait(outer, inner), "a test");
    context->poll();
    CHECK_FALSE(outer);
    context.reset();
    CHECK(outer);
    CHECK(inner);
}

TEST_CASE("a coroutine that never began is destroyed with all that it was given") {
    bool destroyed = false;
    const auto use = [](std::unique_ptr<Held>) -> Task<void> { co_return; };
    { const Task<void> task = use(std::unique_ptr<Held>(new Held{destroyed})); }
    CHECK(destroyed);
}

// An operation that completes before its initiating function returns.
auto complete_at_once() {
    using Token = boost::asio::use_awaitable_t<Executor>;
    const auto initiate = [](auto handler) { handler(7); };
    return boost::asio::async_initiate<const Token, void(int)>(initiate, Token{});
}

// An operation that cannot be initiated.
auto refuse_to_begin() {
    using Token = boost::asio::use_awaitable_t<Executor>;
    const auto initiate = [](auto handler) {
        const auto dropped = std::move(handler);
        throw std::bad_alloc();
    };
    return boost::asio::async_initiate<const Token, void()>(initiate, Token{});
}

Task<void> use_odd_operations(int& seen, bool& caught) {
    seen = co_await complete_at_once();
    try {
        co_await refuse_to_begin();
    } catch (const std::bad_alloc&) {
        caught = true;
    }
    co_await turn();
}

TEST_CASE("an operation may complete at once, and may fail to begin") {
    io_context context(1);
    int seen = 0;
    bool caught = false;
    start_detached(context.get_executor(), use_odd_operations(seen, caught), "a test");
    context.run();
    CHECK(seen == 7);
    CHECK(caught);
}

// An operation that loses its handler.
auto forget() {
    using Token = boost::asio::use_awaitable_t<Executor>;
    const auto initiate = [](auto handler) { const auto lost = std::move(handler); };
    return boost::asio::async_initiate<const Token, void()>(initiate, Token{});
}

// An operation that is under way although its initiation ends with an exception.
auto begin_and_throw(io_context& context) {
    using Token = boost::asio::use_awaitable_t<Executor>;
    const auto initiate = [&context](auto handler) {
        boost::asio::post(context, std::move(handler));
        throw std::bad_alloc();
    };
    return boost::asio::async_initiate<const Token, void()>(initiate, Token{});
}

Task<void> use_broken_operations(io_context& context, bool& aborted, bool& resumed) {
    try {
        co_await forget();
    } catch (const boost::system::system_error&) {
        aborted = true;
    }
    co_await begin_and_throw(context);
    resumed = true;
}

TEST_CASE("an operation that loses its handler throws, and one that still has it is waited for") {
    io_context context(1);
    bool aborted = false;
    bool resumed = false;
    start_detached(context.get_executor(), use_broken_operations(context, aborted, resumed),
                   "a test");
    context.run();
    CHECK(aborted);
    CHECK(resumed);
}

TEST_CASE("memory that was given back is used again for what has the same size or nearly so") {
    give_back_block(take_block(300), 300);
    const std::size_t before = test::allocations();
    void* const again = take_block(310);
    const std::size_t after = test::allocations();
    CHECK(after == before);
    give_back_block(again, 310);
    void* const large = take_block(100'000);
    give_back_block(large, 100'000);
}

Task<void> count_allocations(std::size_t& allocations) {
    const int warm_up = co_await add(1, 2);
    const std::size_t before = test::allocations();
    const int sum = co_await add(warm_up, 3);
    allocations = test::allocations() - before;
    static_cast<void>(sum);
}

TEST_CASE("a coroutine that ran before allocates nothing") {
    io_context context(1);
    std::size_t allocations = 1;
    start_detached(context.get_executor(), count_allocations(allocations), "a test");
    context.run();
    CHECK(allocations == 0);
}

}  // namespace
}  // namespace larder::net
