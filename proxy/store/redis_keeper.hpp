#pragma once
#include <memory>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "store/redis_link.hpp"
#include "store/redis_task.hpp"

namespace larder::store {

class RedisShared;

/// Pays what the process owes Redis, one thing after the other: the recent purges to a server that may have forgotten
/// them, the purges that did not get through, and the sweep of what purges have killed. One for each process, on worker
/// 0's context and connection.
class RedisKeeper : public std::enable_shared_from_this<RedisKeeper> {
public:
    RedisKeeper(boost::asio::io_context& context, RedisShared& shared, std::shared_ptr<RedisLink> link);

    void start();
    /// Any thread.
    void stop();
    /// Any thread.
    void wake();

private:
    using Timer = boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

    static Task<void> keep(std::shared_ptr<RedisKeeper> self);
    Task<bool> work();
    Task<bool> replay(std::uint64_t epoch);
    Task<void> sleep(Milliseconds time);

    boost::asio::io_context& context_;
    RedisShared& shared_;
    std::shared_ptr<RedisLink> link_;
    Timer timer_;
    bool stopping_ = false;
    bool working_ = false;
    bool woken_ = false;
};

}  // namespace larder::store
