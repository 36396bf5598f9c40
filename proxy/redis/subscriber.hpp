#pragma once
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/command.hpp"
#include "redis/reply.hpp"
#include "redis/task.hpp"
#include "redis/transport.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// The connection on which Redis tells of changed keys (CLIENT TRACKING with REDIRECT), and on
/// which the other instances' news comes. It says which server it is connected to, since the links
/// may only be tracked by it on the same one. Kept up on its own; asked for a sign of life several
/// times a second. Belongs to its context's thread, but for `stop`.
class RedisSubscriber : public std::enable_shared_from_this<RedisSubscriber> {
public:
    RedisSubscriber(boost::asio::io_context& context, RedisShared& shared, RedisNode& node);

    void start();
    /// Any thread.
    void stop();

private:
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;

    static Task<void> keep_connected(std::shared_ptr<RedisSubscriber> self);
    Task<void> listen(std::shared_ptr<RedisTransport> transport);
    Task<bool> introduce(std::shared_ptr<RedisTransport> transport, RedisReplyReader& reader);
    Task<bool> ask(std::shared_ptr<RedisTransport> transport, RedisReplyReader& reader,
                   RedisCommands commands, std::vector<RedisReply>& replies);
    void end();
    bool take(const RedisReply& message);
    void send(const std::shared_ptr<RedisTransport>& transport, RedisCommands commands);
    void hurry();
    void heartbeat(const std::shared_ptr<RedisTransport>& transport);

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisNode& node_;
    std::shared_ptr<RedisTransport> transport_;
    Timer heartbeat_timer_;
    Timer pause_timer_;
    SteadyTime ping_sent_{};  ///< of the PING not answered yet
    bool ping_answered_ = true;
    std::string server_;    ///< that it was connected to last
    RedisAddress address_;  ///< likewise, where the node is watched
    bool refused_ = false;  ///< the user may not subscribe
    bool stopping_ = false;
};

}  // namespace larder::redis
