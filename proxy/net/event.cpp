#include "net/event.hpp"

#include <cassert>

namespace larder::net {

boost::asio::execution_context::id Waits::id;

void Waits::stop() {
    stopped_ = true;
    for (Event* event = first_; event; event = event->next_)
        if (event->waiting_ && event->ended_by_stop()) event->timer_.cancel();
}

Event::Event(Executor executor, OnStop on_stop)
    : waits_(boost::asio::use_service<Waits>(executor.context())),
      timer_(executor),
      on_stop_(on_stop) {
    next_ = waits_.first_;
    if (next_) next_->previous_ = this;
    waits_.first_ = this;
}

Event::~Event() {
    (previous_ ? previous_->next_ : waits_.first_) = next_;
    if (next_) next_->previous_ = previous_;
}

void Event::notify() {
    notified_ = true;
    if (waiting_) timer_.cancel();
}

Task<bool> Event::wait_until(SteadyTime at) {
    assert(!waiting_);
    if (!notified_ && !ended_by_stop()) {
        timer_.expires_at(at);
        waiting_ = true;
        const auto [ignored] = co_await timer_.async_wait(as_result);
        static_cast<void>(ignored);
        waiting_ = false;
    }
    notified_ = false;
    co_return !ended_by_stop();
}

void end_all_waits(boost::asio::io_context& context) {
    boost::asio::use_service<Waits>(context).stop();
}

}  // namespace larder::net
