#pragma once
#include <boost/asio/post.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/event.hpp"

namespace larder::redis {

/// The requests of this process that wait for the end of another instance's fetch, by the name of
/// its lock. Any thread.
class LockWaiters {
public:
    /// One request that waits. On its own thread.
    struct Waiter {
        explicit Waiter(net::Executor executor) : event(executor) {}
        net::Event event;
        // Since they were set to false last:
        bool told = false;   ///< the fetch has ended
        bool looks = false;  ///< something has happened that may concern the fetch
    };

    /// Stands for the waiter as long as it lives.
    class Place {
    public:
        Place(LockWaiters& waiters, const std::string& lock, std::shared_ptr<Waiter> waiter)
            : waiters_(waiters) {
            const std::lock_guard guard(waiters_.mutex_);
            at_ = waiters_.waiting_.emplace(lock, std::move(waiter));
        }
        ~Place() {
            const std::lock_guard guard(waiters_.mutex_);
            waiters_.waiting_.erase(at_);
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

    private:
        LockWaiters& waiters_;
        std::multimap<std::string, std::shared_ptr<Waiter>, std::less<>>::iterator at_;
    };

    /// The fetch under that lock has ended.
    void wake(std::string_view lock) {
        const std::lock_guard guard(mutex_);
        const auto [first, last] = waiting_.equal_range(lock);
        for (auto at = first; at != last; ++at) tell(at->second);
    }
    /// There was a purge, or what a waiter should have been told may have been lost: all look for
    /// themselves.
    void let_all_look() {
        const std::lock_guard guard(mutex_);
        for (const auto& [lock, waiter] : waiting_)
            boost::asio::post(waiter->event.executor(), [waiting = waiter] {
                waiting->looks = true;
                waiting->event.notify();
            });
    }

private:
    static void tell(const std::shared_ptr<Waiter>& waiter) {
        boost::asio::post(waiter->event.executor(), [waiter] {
            waiter->told = true;
            waiter->event.notify();
        });
    }

    std::mutex mutex_;
    std::multimap<std::string, std::shared_ptr<Waiter>, std::less<>> waiting_;
};

}  // namespace larder::redis
