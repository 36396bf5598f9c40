#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <utility>

namespace larder::server {

/// Calls a function at once and then at an interval, on the thread that runs `context`, until it is
/// destroyed.
class Repeat {
public:
    Repeat(boost::asio::io_context& context, std::chrono::microseconds interval,
           std::function<void()> function)
        : interval_(interval), function_(std::move(function)), timer_(context) {
        function_();
        wait();
    }

private:
    void wait() {
        timer_.expires_after(interval_);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            wait();
            function_();
        });
    }

    std::chrono::microseconds interval_;
    std::function<void()> function_;
    boost::asio::steady_timer timer_;
};

}  // namespace larder::server
