#pragma once
#include <boost/asio/post.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/event.hpp"

namespace larder::redis {

/// Who waits in this process for the end of another instance's fetch, by the name of its lock. Any
/// thread.
class LockWaiters {
public:
    /// Is woken when the fetch under that lock has ended, until it ends itself.
    class Place {
    public:
        Place(LockWaiters& waiters, const std::string& lock, std::shared_ptr<net::Event> event)
            : waiters_(waiters) {
            const std::lock_guard guard(waiters_.mutex_);
            at_ = waiters_.events_.emplace(lock, std::move(event));
        }
        ~Place() {
            const std::lock_guard guard(waiters_.mutex_);
            waiters_.events_.erase(at_);
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

    private:
        LockWaiters& waiters_;
        std::multimap<std::string, std::shared_ptr<net::Event>, std::less<>>::iterator at_;
    };

    void wake(std::string_view lock) {
        const std::lock_guard guard(mutex_);
        const auto [first, last] = events_.equal_range(lock);
        for (auto at = first; at != last; ++at)
            boost::asio::post(at->second->executor(), [event = at->second] { event->notify(); });
    }

private:
    std::mutex mutex_;
    std::multimap<std::string, std::shared_ptr<net::Event>, std::less<>> events_;
};

}  // namespace larder::redis
