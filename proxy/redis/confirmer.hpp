#pragma once
#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "redis/confirmations.hpp"
#include "redis/fleet.hpp"
#include "redis/task.hpp"

namespace larder::redis {

class RedisShared;

/// Asks the masters of a cluster about each other several times a second, and tells each node up to
/// when it is confirmed (RedisNode::confirm_until). On one context.
class MasterConfirmer : public std::enable_shared_from_this<MasterConfirmer> {
public:
    MasterConfirmer(boost::asio::io_context& context, RedisShared& shared);

    void start();
    /// Any thread.
    void stop();

private:
    /// What is known of a lane's master.
    struct Master {
        RedisAddress address;
        std::string id;  ///< of the node at that address
        bool is_asked = false;
    };

    static Task<void> keep(std::shared_ptr<MasterConfirmer> self);
    static Task<void> ask(std::shared_ptr<MasterConfirmer> self, int lane);
    void take(const NodeWord& word, int lane, RedisAddress address, SteadyTime asked_at);
    void tell_nodes();

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisFleet& fleet_;
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>
        timer_;
    Confirmations confirmations_;
    std::array<Master, RedisFleet::lanes_max> masters_;
    bool stopping_ = false;
};

}  // namespace larder::redis
