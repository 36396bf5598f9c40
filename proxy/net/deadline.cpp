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
    slot(deadline.in_slot_).push_front(deadline);
    ++linked_;
    if (armed_ < 0 || deadline.in_slot_ < armed_) arm(deadline.in_slot_);
}

void DeadlineWheel::unlink(Deadline& deadline) {
    Slot& of = slot(deadline.in_slot_);
    of.erase(of.iterator_to(deadline));
    deadline.in_slot_ = -1;
    --linked_;
}

// An exception of one deadline must not stop the others.
void DeadlineWheel::expire(Deadline& deadline) {
    run_guarded(context_, "what a deadline ends",
                [&deadline] { deadline.expire_(deadline.owner_); });
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
        Slot& due = slot(done_);
        while (!due.empty()) {
            Deadline& deadline = due.front();
            unlink(deadline);
            if (deadline.tick_ > done_) {
                link(deadline);
            } else {
                expire(deadline);
            }
        }
    }
    if (linked_ == 0 || stopped_) return;
    std::int64_t next = done_ + 1;
    while (slot(next).empty()) ++next;
    if (armed_ < 0 || next < armed_) arm(next);
}

void DeadlineWheel::stop() {
    stopped_ = true;
    timer_.cancel();
    for (Slot& list : slots_)
        while (!list.empty()) {
            Deadline& deadline = list.front();
            unlink(deadline);
            expire(deadline);
        }
}

}  // namespace larder::net
