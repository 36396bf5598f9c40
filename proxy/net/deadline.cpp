#include "net/deadline.hpp"

#include <algorithm>

#include "net/detached.hpp"

namespace larder::net {
namespace {

constexpr std::int64_t tick_ms = 32;

}  // namespace

std::int64_t DeadlineWheel::tick_of(SteadyTime at) {
    return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count() / tick_ms;
}

void Deadline::set(SteadyTime at) {
    tick_ = DeadlineWheel::tick_of(at) + 1;  // rounded up: never early
    if (in_slot_ >= 0 && in_slot_ <= tick_) return;
    if (in_slot_ >= 0) wheel_.unlink(*this);
    if (wheel_.stopped_) {
        expire_(owner_);
        return;
    }
    wheel_.link(*this);
}

void Deadline::clear() {
    if (in_slot_ >= 0) wheel_.unlink(*this);
}

void DeadlineWheel::link(Deadline& deadline) {
    if (done_ < 0) done_ = tick_of(steady_now());
    deadline.in_slot_ = std::clamp(deadline.tick_, done_ + 1, done_ + slots - 1);
    Deadline*& head = heads_[static_cast<std::size_t>(deadline.in_slot_ % slots)];
    deadline.previous_ = nullptr;
    deadline.next_ = head;
    if (head) head->previous_ = &deadline;
    head = &deadline;
    ++linked_;
    if (armed_ < 0 || deadline.in_slot_ < armed_) arm(deadline.in_slot_);
}

void DeadlineWheel::unlink(Deadline& deadline) {
    Deadline*& head = heads_[static_cast<std::size_t>(deadline.in_slot_ % slots)];
    (deadline.previous_ ? deadline.previous_->next_ : head) = deadline.next_;
    if (deadline.next_) deadline.next_->previous_ = deadline.previous_;
    deadline.in_slot_ = -1;
    --linked_;
}

void DeadlineWheel::arm(std::int64_t tick) {
    if (stopped_) return;
    timer_.expires_at(SteadyTime(Milliseconds(tick * tick_ms)));
    timer_.async_wait([this](Error error) {
        if (!error) turn();
    });
    armed_ = tick;
}

void DeadlineWheel::turn() {
    armed_ = -1;
    const std::int64_t now = tick_of(steady_now());
    while (done_ < now) {
        ++done_;
        if (linked_ == 0) {
            done_ = now;
            break;
        }
        Deadline* list = heads_[static_cast<std::size_t>(done_ % slots)];
        while (list) {
            Deadline& deadline = *list;
            unlink(deadline);
            if (deadline.tick_ > done_) {
                link(deadline);
            } else {
                // A deadline that fails must not take the others along.
                run_guarded(context_, "what a deadline ends",
                            [&deadline] { deadline.expire_(deadline.owner_); });
            }
            list = heads_[static_cast<std::size_t>(done_ % slots)];
        }
    }
    if (linked_ == 0 || stopped_) return;
    std::int64_t next = done_ + 1;
    while (!heads_[static_cast<std::size_t>(next % slots)]) ++next;
    if (armed_ < 0 || next < armed_) arm(next);
}

void DeadlineWheel::stop() {
    stopped_ = true;
    timer_.cancel();
    for (Deadline*& head : heads_)
        while (head) {
            Deadline& deadline = *head;
            unlink(deadline);
            run_guarded(context_, "what a deadline ends",
                        [&deadline] { deadline.expire_(deadline.owner_); });
        }
}

}  // namespace larder::net
