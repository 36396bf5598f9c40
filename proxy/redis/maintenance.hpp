#pragma once
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "base/clock.hpp"
#include "redis/link.hpp"
#include "redis/portions.hpp"
#include "redis/purge.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// Does the work that waits for Redis, one task after the other: it brings the recent purges to a
/// server that may have forgotten them, delivers the purges that did not get through, and sweeps
/// what purges have killed. Also tells the other instances that this one lives. One for each
/// process, on worker 0's context; it uses whichever link works.
class RedisMaintenance : public std::enable_shared_from_this<RedisMaintenance> {
public:
    /// What it keeps: in a cluster one keeps each node, and one the process.
    enum class Keeps : std::uint8_t { all, node, process };
    RedisMaintenance(boost::asio::io_context& context, RedisShared& shared, RedisNode& node,
                     std::shared_ptr<RedisLink> link, Keeps keeps = Keeps::all);

    void start();
    /// Any thread.
    void stop();
    /// Any thread.
    void wake();

private:
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;

    static Task<void> keep(std::shared_ptr<RedisMaintenance> self);
    Task<bool> work();
    Task<bool> keep_node(std::shared_ptr<RedisLink> link);
    Task<bool> keep_process(RedisWay way);
    Task<bool> deliver_owed(RedisWay way);
    Task<bool> deliver_in_cluster(RedisWay way);
    Task<bool> deliver(RedisWay way, std::vector<PurgeJournal::Entry> owed);
    Task<bool> sweep(RedisWay way);
    Task<void> leave_marks(std::shared_ptr<RedisLink> link);
    Task<void> sleep(Milliseconds time);

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisNode& node_;
    std::shared_ptr<RedisLink> link_;
    const Keeps keeps_;
    Timer timer_;
    bool stopping_ = false;
    bool working_ = false;
    bool woken_ = false;
    Sweep sweep_;  ///< under way
    SteadyTime presence_told_{};
    SteadyTime mark_left_{};
    std::uint64_t marked_epoch_ = 0;
    std::string marked_home_{};  ///< in a cluster
    ServerMeeting meeting_;      ///< with the server that was met last
    PurgePace pace_;
};

}  // namespace larder::redis
