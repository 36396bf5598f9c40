#pragma once
#include <optional>
#include <utility>

#include "net/task.hpp"

namespace larder::net {

/// A coroutine that waits until it is woken, without a timer. One at a time, one thread.
class Waiter {
public:
    /// To be awaited. Precondition: nobody waits.
    [[nodiscard]] auto wait() {
        const auto keep = [this](Handler<> handler) { handler_.emplace(std::move(handler)); };
        const boost::asio::use_awaitable_t<Executor> awaitable;
        return boost::asio::async_initiate<decltype(awaitable), void()>(keep, awaitable);
    }
    [[nodiscard]] bool waits() const { return handler_.has_value(); }

    /// Resumes who waits, if anybody does. `dropped`: the io_context is being destroyed, so the
    /// waiting chain is destroyed instead.
    void wake(bool dropped) {
        if (!handler_) return;
        // Taken out first: the coroutine that waits may own this object.
        Handler<> handler = std::move(*handler_);
        handler_.reset();
        if (!dropped) std::move(handler)();
    }

private:
    std::optional<Handler<>> handler_;
};

}  // namespace larder::net
