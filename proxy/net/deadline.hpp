#pragma once
#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace larder::net {

class DeadlineWheel;

/// A moment at which something ends, watched by the worker's wheel. Moving it later costs an
/// assignment; there is no timer of its own. One thread.
class Deadline : public boost::intrusive::list_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::normal_link>> {
public:
    /// Called once when the moment has passed, or the wheel stops. It may set the deadline again,
    /// but not after the wheel has stopped.
    using Expire = void (*)(void* owner);

    Deadline(DeadlineWheel& wheel, Expire expire, void* owner)
        : wheel_(wheel), expire_(expire), owner_(owner) {}
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { clear(); }

    void set(SteadyTime at);
    void clear();

private:
    friend class DeadlineWheel;

    DeadlineWheel& wheel_;
    Expire expire_;
    void* owner_;
    std::int64_t tick_ = 0;  // when it ends
    std::int64_t in_slot_ =
        -1;  // the tick of the slot it is linked into; never later than tick_; -1: not linked
};

/// All deadlines of one worker, in slots of 32 ms. One timer, armed for the next slot that holds
/// any.
class DeadlineWheel {
public:
    explicit DeadlineWheel(boost::asio::io_context& context) : context_(context), timer_(context) {}

    /// Expires all deadlines now, and from now on each one that is set, so that the io_context runs
    /// out of work.
    void stop();
    [[nodiscard]] bool stopped() const { return stopped_; }

private:
    friend class Deadline;
    static constexpr std::int64_t slots = 2048;

    static std::int64_t tick_of(SteadyTime at);
    using Slot = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;

    [[nodiscard]] Slot& slot(std::int64_t tick) {
        return slots_[static_cast<std::size_t>(tick % slots)];
    }
    void expire(Deadline& deadline);
    void link(Deadline& deadline);
    void unlink(Deadline& deadline);
    void arm(std::int64_t tick);
    void turn();

    boost::asio::io_context& context_;
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>
        timer_;
    std::array<Slot, slots> slots_;
    std::int64_t done_ = -1;   // slots up to this tick have been looked at
    std::int64_t armed_ = -1;  // the tick the timer waits for; -1: it does not
    std::size_t linked_ = 0;
    bool stopped_ = false;
};

}  // namespace larder::net
