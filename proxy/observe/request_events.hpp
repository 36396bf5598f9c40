#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "observe/event_filter.hpp"

namespace larder::observe {

using Event = std::shared_ptr<const RequestEvent>;

/// What one listener has not taken yet. Bounded: a listener that is too slow loses events, and is
/// told how many. Safe from every thread.
class EventListener {
public:
    static constexpr std::size_t kept_max = 1024;

    /// `wake` is called from any thread when there is something to take; it must not wait.
    EventListener(EventFilter filter, std::function<void()> wake)
        : filter_(std::move(filter)), wake_(std::move(wake)) {}

    struct Taken {
        std::vector<Event> events;
        std::uint64_t lost = 0;  ///< since the last call, and after these events
    };
    [[nodiscard]] Taken take();

    void offer(const Event& event);

private:
    const EventFilter filter_;
    const std::function<void()> wake_;
    std::mutex mutex_;
    std::deque<Event> events_;  // guarded by mutex_
    std::uint64_t lost_ = 0;    // guarded by mutex_
};

/// Passes answered requests to listeners. Without a listener a request costs one load. Safe from
/// every thread.
class RequestEvents {
public:
    static constexpr std::size_t listeners_max = 32;

    [[nodiscard]] bool has_listeners() const { return listening_.load(std::memory_order_relaxed); }
    /// Ask has_listeners() before the event is put together.
    void publish(Event event);

    /// Listens while the result lives. Null: too many listen already.
    [[nodiscard]] std::shared_ptr<EventListener> listen(EventFilter filter,
                                                        std::function<void()> wake);

private:
    std::atomic<bool> listening_{false};
    std::mutex mutex_;
    std::vector<std::weak_ptr<EventListener>> listeners_;  // guarded by mutex_
};

}  // namespace larder::observe
