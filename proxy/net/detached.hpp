#pragma once
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <exception>
#include <functional>

#include "net/task.hpp"

/// Runs work that nobody waits for. An exception in such work ends its own connection or fetch, and
/// never the process. The exception is logged and counted, so that it does not go unnoticed.
namespace larder::net {

/// Logs the exception as "`what` failed: ..." and counts it for the context. The log gets at most
/// ten lines a second, the count gets all. Safe from every thread.
void note_failure(boost::asio::io_context& context, const char* what,
                  const std::exception_ptr& failure) noexcept;

/// How many exceptions were noted since the start. Safe from every thread.
[[nodiscard]] std::uint64_t failures_of(boost::asio::io_context& context);

/// Starts a coroutine that nobody waits for. An exception that leaves it is noted.
void start_detached(Executor executor, Task<void> task, const char* what);

/// The same, but it begins only when what runs on the executor's thread now has returned.
void start_detached_later(Executor executor, Task<void> task, const char* what);

/// The same for a coroutine that must run as long as its worker. If it ends by an exception, the
/// exception is noted, and `make` makes a new coroutine after 100 ms. `make` calls a named
/// coroutine.
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
