#pragma once
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <exception>
#include <functional>

#include "net/task.hpp"

/// What runs without anybody waiting for it. An exception in it ends what it ran for, a connection
/// or a fetch, and never the process; it is logged and counted, so that it does not go unnoticed.
namespace larder::net {

/// Logs the exception and counts it for the context. `what` completes "failed: ". The log gets ten
/// lines a second at most, the count gets all. Safe from every thread.
void note_failure(boost::asio::io_context& context, const char* what,
                  const std::exception_ptr& failure) noexcept;

/// How many were noted since the start. Safe from every thread.
[[nodiscard]] std::uint64_t failures_of(boost::asio::io_context& context);

/// Starts a coroutine that nobody waits for. An exception that leaves it is noted.
void start_detached(Executor executor, Task<void> task, const char* what);

/// The same for a coroutine that is to run as long as its worker: one that ends by an exception is
/// noted, and made and started anew after a moment. `make` calls a named coroutine.
void start_lasting(Executor executor, std::function<Task<void>()> make, const char* what);

/// Runs the context until it is out of work or stopped. An exception of a handler is noted and ends
/// that handler only.
void run_context(boost::asio::io_context& context, const char* what) noexcept;

/// Calls `step` and notes its exception.
template <class Step>
void run_guarded(boost::asio::io_context& context, const char* what, const Step& step) noexcept {
    try {
        step();
    } catch (...) {
        note_failure(context, what, std::current_exception());
    }
}

}  // namespace larder::net
