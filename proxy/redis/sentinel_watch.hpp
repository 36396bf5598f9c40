#pragma once
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "redis/sentinel.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// Asks all sentinels of the URL ten times a second who the master is, each over a connection that
/// is kept. Leads the node to that master (RedisNode::lead_to), and tells it up to when the master
/// may be used (RedisNode::confirm_until). A sentinel that is silent or gone delays nobody, and is
/// named in the log. One for each process, on worker 0's context.
class SentinelWatch : public std::enable_shared_from_this<SentinelWatch> {
public:
    /// What is given must outlive the watch.
    SentinelWatch(boost::asio::io_context& context, RedisShared& shared, RedisNode& node);

    void start();
    /// Any thread. All connections end.
    void stop();

private:
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;
    struct Sentinel {
        Sentinel(boost::asio::io_context& context, RedisAddress address_in)
            : address(std::move(address_in)), limit_timer(context), pause_timer(context) {}
        RedisAddress address;
        std::shared_ptr<RedisTransport> transport;  ///< null: not connected
        Timer limit_timer;                          ///< ends a question that takes too long
        Timer pause_timer;
        std::string problem;  ///< empty: it has answered
        bool was_asked = false;
    };

    static Task<void> keep_asking(std::shared_ptr<SentinelWatch> self, std::size_t index);
    Task<SentinelAnswer> ask(Sentinel& sentinel);
    void take(std::size_t index, SentinelAnswer answer, SteadyTime asked_at);
    void judge();
    void tell_problems();
    void tell_doubt(MasterDoubt doubt);

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisNode& node_;
    std::deque<Sentinel> sentinels_;  ///< their addresses in memory stay
    SentinelWords words_;
    std::string problems_told_;
    SteadyTime doubt_told_{};
    bool stopping_ = false;
};

}  // namespace larder::redis
