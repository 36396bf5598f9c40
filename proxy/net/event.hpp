#pragma once
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstdint>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace larder::net {

class Event;

/// All events of one io_context, so that a stop can end their waits: a wait that a stop does not
/// end keeps the io_context, and with it the process, alive for ever. A service of the context,
/// made at its first use. Used on the context's thread, and while that thread does not run.
class Waits : public boost::asio::execution_context::service {
public:
    using key_type = Waits;
    static boost::asio::execution_context::id id;

    explicit Waits(boost::asio::execution_context& context) : service(context) {}

    /// Ends all waits that may end, now and from now on.
    void stop();
    [[nodiscard]] bool stopped() const { return stopped_; }

private:
    friend class Event;

    void shutdown() override {}

    Event* first_ = nullptr;
    bool stopped_ = false;
};

/// Something that one coroutine waits for. A notification is remembered until the next wait ends,
/// so nothing is lost while the waiter does something else. The waiter looks at its condition after
/// each wait, since a remembered notification may be about what it has seen already. One thread,
/// and one waiter at a time.
class Event {
public:
    /// What a stop of the worker does to the waits.
    enum class OnStop : std::uint8_t {
        ends,     ///< they end, and return false
        goes_on,  ///< nothing: for a waiter whose objects another coroutine borrows, until that
                  ///< coroutine ends; the stop ends it
    };

    explicit Event(Executor executor, OnStop on_stop = OnStop::ends);
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void notify();

    /// Waits until a notification. False: the worker stops, and every later wait returns at once,
    /// so the caller must leave.
    [[nodiscard]] Task<bool> wait() { return wait_until(SteadyTime::max()); }
    /// The same, at most until `at`.
    [[nodiscard]] Task<bool> wait_until(SteadyTime at);

    [[nodiscard]] Executor executor() { return timer_.get_executor(); }

private:
    friend class Waits;
    using Traits = boost::asio::wait_traits<SteadyClock>;
    using Timer = boost::asio::basic_waitable_timer<SteadyClock, Traits, Executor>;

    [[nodiscard]] bool ended_by_stop() const {
        return waits_.stopped() && on_stop_ == OnStop::ends;
    }

    Waits& waits_;
    Timer timer_;
    OnStop on_stop_;
    bool notified_ = false;
    bool waiting_ = false;
    Event* previous_ = nullptr;  // in waits_
    Event* next_ = nullptr;
};

/// Ends all waits for events of this context, for good.
void end_all_waits(boost::asio::io_context& context);

}  // namespace larder::net
