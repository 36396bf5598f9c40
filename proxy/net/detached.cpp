#include "net/detached.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "net/event.hpp"

namespace larder::net {
namespace {

constexpr Milliseconds between_lines{100};
constexpr Milliseconds before_restart{100};

/// The failures of one io_context, as a service of it.
class Failures : public boost::asio::execution_context::service {
public:
    using key_type = Failures;
    static boost::asio::execution_context::id id;

    explicit Failures(boost::asio::execution_context& context) : service(context) {}

    /// Counts a failure. True: log it.
    bool add() {
        count_.fetch_add(1, std::memory_order_relaxed);
        const std::int64_t now = steady_now().time_since_epoch().count();
        std::int64_t last = logged_at_.load(std::memory_order_relaxed);
        if (last != 0 && SteadyClock::duration(now - last) < between_lines) return false;
        return logged_at_.compare_exchange_strong(last, now, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

private:
    void shutdown() override {}

    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::int64_t> logged_at_{0};
};

boost::asio::execution_context::id Failures::id;

void log(const char* what, const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        spdlog::error("{} failed: {}", what, error.what());
    } catch (...) {
        spdlog::error("{} failed", what);
    }
}

/// The outermost coroutine of a chain. Owns itself, and ends with what it runs.
struct Outermost {
    struct promise_type {
        promise_type(Executor executor, Task<void>&, const char*)
            : chain{executor, std::coroutine_handle<promise_type>::from_promise(*this)} {}

        static void* operator new(std::size_t bytes) { return take_block(bytes); }
        static void operator delete(void* frame, std::size_t bytes) {
            give_back_block(frame, bytes);
        }
        [[nodiscard]] Outermost get_return_object() const noexcept { return {}; }
        [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
        [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
        auto await_transform(Task<void> task) { return Task<void>::Call(std::move(task), chain); }

        Chain chain;
    };
};

// The io_context runs until the task has ended.
Outermost run(Executor executor, Task<void> task, const char* what) {
    const boost::asio::executor_work_guard<Executor> work(executor);
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) note_failure(executor.context(), what, failure);
}

Task<void> run_again_after_failure(Executor executor, std::function<Task<void>()> make,
                                   const char* what) {
    Event pause(executor);
    while (true) {
        std::exception_ptr failure;
        try {
            co_await make();
        } catch (...) {
            failure = std::current_exception();
        }
        if (!failure) co_return;
        note_failure(executor.context(), what, failure);
        const bool goes_on = co_await pause.wait_until(steady_now() + before_restart);
        if (!goes_on) co_return;
    }
}

}  // namespace

void note_failure(boost::asio::io_context& context, const char* what,
                  const std::exception_ptr& failure) noexcept {
    try {
        if (boost::asio::use_service<Failures>(context).add()) log(what, failure);
    } catch (...) {  // there is no memory even for the log: nothing more can be done
    }
}

std::uint64_t failures_of(boost::asio::io_context& context) {
    return boost::asio::use_service<Failures>(context).count();
}

void start_detached(Executor executor, Task<void> task, const char* what) {
    if (executor.running_in_this_thread()) {
        run(executor, std::move(task), what);
    } else {
        start_detached_later(executor, std::move(task), what);
    }
}

void start_detached_later(Executor executor, Task<void> task, const char* what) {
    boost::asio::post(executor, [executor, task = std::move(task), what]() mutable {
        run(executor, std::move(task), what);
    });
}

void start_lasting(Executor executor, std::function<Task<void>()> make, const char* what) {
    start_detached(executor, run_again_after_failure(executor, std::move(make), what), what);
}

void run_context(boost::asio::io_context& context, const char* what) noexcept {
    while (!context.stopped()) {
        try {
            context.run();
        } catch (...) {
            note_failure(context, what, std::current_exception());
        }
    }
}

}  // namespace larder::net
