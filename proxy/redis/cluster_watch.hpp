#pragma once
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "redis/cluster_view.hpp"
#include "redis/fleet.hpp"
#include "redis/task.hpp"

namespace larder::redis {

class MasterConfirmer;
class RedisBulk;
class RedisLink;
class RedisMaintenance;
class RedisShared;
class RedisSubscriber;

/// Keeps the map of a cluster up to date (RedisFleet), and the connections to each master. Asks a
/// node for the map every second, and at once where a command was sent to a wrong node or a node
/// was silent. One for each process, on worker 0's context.
class ClusterWatch : public std::enable_shared_from_this<ClusterWatch> {
public:
    ClusterWatch(boost::asio::io_context& context, RedisShared& shared);
    ~ClusterWatch();

    void start();
    /// Any thread. All connections end.
    void stop();

private:
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;
    /// The connections to one master, and what keeps its node.
    struct Lane {
        std::vector<std::shared_ptr<RedisLink>> links;
        std::shared_ptr<RedisSubscriber> subscriber;
        std::shared_ptr<RedisBulk> bulk;
        std::shared_ptr<RedisMaintenance> maintenance;
    };

    static Task<void> keep(std::shared_ptr<ClusterWatch> self);
    Task<void> look();
    Task<bool> ask_lane(int lane);
    Task<void> ask_addresses();
    void take(const ClusterView& view, SteadyTime asked_at, const RedisAddress& asked);
    void begin_lane(int lane, std::size_t masters);
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] bool is_any_doubtful() const;
    void wake();
    void wake_maintenance();

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisFleet& fleet_;
    ViewJudge judge_;
    Timer timer_;
    int next_ = 0;  ///< whose turn it is to be asked
    bool woken_ = false;
    std::shared_ptr<RedisMaintenance> process_;
    std::shared_ptr<MasterConfirmer> confirmer_;
    std::mutex mutex_;  ///< guards both
    std::vector<Lane> lanes_;
    bool stopping_ = false;
};

}  // namespace larder::redis
