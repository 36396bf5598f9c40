#pragma once
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/batch.hpp"
#include "redis/completion.hpp"
#include "redis/reply.hpp"
#include "redis/transport.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// The connection for large values, so that nothing small is ever behind them. Made when it is
/// needed, kept while it works, and closed where a value does not come in time: the rest of it is
/// then not sent. It proves nothing about Redis: its failures open no breaker, and what it reads
/// must be told right by what stands in it (LargeStub). One transfer at a time, in order; a second
/// read of what is being read already shares the first one's reply. Lives on its context's thread.
class RedisBulk : public std::enable_shared_from_this<RedisBulk> {
public:
    RedisBulk(boost::asio::io_context& context, RedisShared& shared, RedisNode& node);

    /// Any thread. Runs the batch's commands and waits for the replies or its deadline; the caller
    /// resumes on its own executor. `sharing`: batches that have the same name, which is not empty,
    /// share replies.
    auto async_run(RedisBatchPointer batch, std::string sharing) {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
            Initiate{this, std::move(sharing)}, as_awaitable, std::move(batch));
    }
    /// Any thread. Closes for good; what waits fails as down.
    void stop();
    /// Any thread: the bytes of all that is under way or waits.
    [[nodiscard]] std::size_t backlog() const { return backlog_.load(std::memory_order_relaxed); }

private:
    struct Initiate {
        RedisBulk* bulk;
        std::string sharing;
        template <class Handler>
        void operator()(Handler&& handler, RedisBatchPointer batch) {
            batch->completion = std::make_unique<CompletionOf<std::decay_t<Handler>>>(
                std::forward<Handler>(handler));
            bulk->send(std::move(batch), std::move(sharing));
        }
    };
    /// Batches that share one transfer.
    struct Transfer {
        std::string sharing;
        std::shared_ptr<const std::string> bytes;  ///< the commands
        std::size_t replies = 0;                   ///< how many there will be
        std::vector<RedisBatchPointer> waiting;
    };
    static constexpr std::size_t measured_from =
        256 * 1024;  ///< bytes; fewer say nothing about the link
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;
    using Transport = std::shared_ptr<RedisTransport>;

    void send(RedisBatchPointer batch, std::string sharing);
    void submit(RedisBatchPointer batch, std::string sharing);
    static Task<void> work(std::shared_ptr<RedisBulk> self);
    Task<bool> transfer(std::vector<RedisReply>& replies);
    Task<bool> connect();
    Task<bool> exchange(std::shared_ptr<const std::string> bytes, std::size_t expected,
                        std::vector<RedisReply>& replies);
    void measure();
    void finish(RedisBatch::Status status, std::vector<RedisReply> replies);
    void complete(RedisBatchPointer batch, RedisBatch::Status status);
    void arm();
    void expire();
    void close();

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisNode& node_;
    std::deque<Transfer> transfers_;  ///< the first is under way
    Transport transport_;             ///< null: not connected
    RedisAddress address_;            ///< where it leads
    std::unique_ptr<RedisReplyReader> reader_;
    Timer timer_;
    std::atomic<std::size_t> backlog_{0};
    std::size_t received_ = 0;  ///< of the transfer under way
    SteadyTime asked_at_{};
    SteadyTime cut_at_{};  ///< when the transfer was given up; the epoch: it was not
    bool is_read_ = false;
    bool under_way_ = false;  ///< the first transfer was begun
    bool working_ = false;
    bool stopping_ = false;
};

}  // namespace larder::redis
