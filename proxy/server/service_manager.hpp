#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the program tells the service manager that started it (systemd, Type=notify). Without one
/// nothing is sent.
namespace larder::server {

/// Sends lines such as "READY=1" to the socket that NOTIFY_SOCKET names (sd_notify(3)). Never
/// waits: a message that does not fit into the socket's queue is lost.
void tell_service_manager(std::string_view lines);

/// How often "WATCHDOG=1" has to come: half of WATCHDOG_USEC, where the variables are for this
/// process. `pid`: WATCHDOG_PID; null: any process.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval(const char* microseconds,
                                                                         const char* pid, int own);

/// Sends "WATCHDOG=1" while every worker does work. A worker that hangs lets the signs of life
/// stop, so the service manager starts the program anew.
class Watchdog {
public:
    /// Hands a task to one worker. Safe from the thread that runs `context`.
    using Post = std::function<void(std::function<void()>)>;

    /// `context` must not outlive this object.
    Watchdog(boost::asio::io_context& context, std::vector<Post> workers);

private:
    void wait();
    void ask();

    std::vector<Post> workers_;
    std::optional<std::chrono::microseconds> interval_;
    boost::asio::steady_timer timer_;
    /// How many workers did the last task; shared with tasks that come late.
    std::shared_ptr<std::atomic<std::size_t>> answers_;
};

}  // namespace larder::server
