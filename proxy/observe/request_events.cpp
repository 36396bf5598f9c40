#include "observe/request_events.hpp"

#include <algorithm>
#include <utility>

namespace larder::observe {

EventListener::Taken EventListener::take() {
    const std::scoped_lock lock(mutex_);
    Taken out;
    out.events.assign(std::make_move_iterator(events_.begin()),
                      std::make_move_iterator(events_.end()));
    out.lost = std::exchange(lost_, 0);
    events_.clear();
    return out;
}

void EventListener::offer(const Event& event) {
    if (!filter_.takes(*event)) return;
    bool was_empty = false;
    {
        const std::scoped_lock lock(mutex_);
        was_empty = events_.empty() && lost_ == 0;
        if (events_.size() < kept_max) {
            events_.push_back(event);
        } else {
            ++lost_;
        }
    }
    if (was_empty) wake_();
}

void RequestEvents::publish(Event event) {
    std::vector<std::shared_ptr<EventListener>> all;
    {
        const std::scoped_lock lock(mutex_);
        std::erase_if(listeners_, [&](const std::weak_ptr<EventListener>& listener) {
            all.push_back(listener.lock());
            return all.back() == nullptr;
        });
        if (listeners_.empty()) listening_.store(false, std::memory_order_relaxed);
    }
    for (const std::shared_ptr<EventListener>& listener : all)
        if (listener) listener->offer(event);
}

std::shared_ptr<EventListener> RequestEvents::listen(EventFilter filter,
                                                     std::function<void()> wake) {
    auto listener = std::make_shared<EventListener>(std::move(filter), std::move(wake));
    const std::scoped_lock lock(mutex_);
    std::erase_if(listeners_, [](const auto& known) { return known.expired(); });
    if (listeners_.size() >= listeners_max) return nullptr;
    listeners_.push_back(listener);
    listening_.store(true, std::memory_order_relaxed);
    return listener;
}

}  // namespace larder::observe
