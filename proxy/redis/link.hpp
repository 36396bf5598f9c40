#pragma once
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/batch.hpp"
#include "redis/completion.hpp"
#include "redis/handshake.hpp"
#include "redis/link_health.hpp"
#include "redis/pipeline.hpp"
#include "redis/task.hpp"
#include "redis/transport.hpp"

namespace larder::redis {

class RedisNode;
class RedisShared;

/// One connection to Redis, kept up: pipelined, with a deadline for each batch and a breaker.
///
/// RedisPipeline decides which reply belongs to which batch, LinkHealth whether the connection may
/// be used, RedisHandshake how it begins. The link moves their bytes and runs their timers. While
/// the link is not `usable` a batch fails at once and nobody waits. The link stops being usable
/// when the connection is lost, when a command timed out and not a byte came meanwhile (stalled),
/// and when another link of the process had such trouble (suspect). Lives on its context's thread;
/// what is marked so may be called from any.
class RedisLink : public std::enable_shared_from_this<RedisLink> {
public:
    RedisLink(boost::asio::io_context& context, RedisShared& shared, RedisNode& node);

    /// Any thread: the server that the link is to lead to.
    [[nodiscard]] RedisNode& node() const { return node_; }

    void start();
    /// Any thread. Closes for good; what waits fails as down, and the context runs out of this
    /// link's work.
    void stop();

    /// Any thread: whether a batch would be sent now.
    [[nodiscard]] bool usable() const { return health_.state() == LinkHealth::State::ready; }
    /// Any thread: whether there is a connection that Redis may know keys of (tracking).
    [[nodiscard]] bool connected() const { return health_.connected(); }
    /// Any thread: the server the connection leads to, as ServerEpochs numbers them.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
    /// Any thread: the subscriber (its client id) that hears of the keys read here; 0: none.
    [[nodiscard]] std::int64_t tracked_by() const {
        return tracked_by_.load(std::memory_order_acquire);
    }
    /// Any thread: whether a command may be left out of it (CLIENT CACHING NO).
    [[nodiscard]] bool can_leave_untracked() const {
        return tracked_by() != 0 && untracked_reads_.load(std::memory_order_relaxed);
    }
    /// Any thread: up to when the connection is known to have been alive.
    [[nodiscard]] SteadyTime proved_at() const {
        return SteadyTime(SteadyClock::duration(proved_at_.load(std::memory_order_acquire)));
    }

    /// Any thread. Sends the batch and waits for its replies or the deadline; the caller resumes on
    /// its own executor.
    auto async_run(RedisBatchPointer batch) {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
            Initiate{this}, as_awaitable, std::move(batch));
    }
    /// Any thread. Sends the batch; nobody waits for its replies.
    void send(RedisBatchPointer batch);

    /// Any thread. Something is wrong elsewhere: prove that this connection works before it is used
    /// again.
    void suspect();
    /// Any thread. Gives the connection up, unless it leads to the server of that epoch.
    void end_unless(std::uint64_t epoch);
    /// Any thread. A subscriber with this client id is there: let Redis tell it of the keys read
    /// here.
    void track(std::int64_t subscriber);

private:
    struct Initiate {
        RedisLink* link;
        template <class Handler>
        void operator()(Handler&& handler, RedisBatchPointer batch) const {
            batch->completion = std::make_unique<CompletionOf<std::decay_t<Handler>>>(
                std::forward<Handler>(handler));
            link->send(std::move(batch));
        }
    };
    using Timer =
        boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>,
                                          Executor>;
    using Transport = std::shared_ptr<RedisTransport>;

    // ---- how the connection is made, kept and given up (connect.cpp)
    static Task<void> keep_connected(std::shared_ptr<RedisLink> self);
    Task<bool> attempt();
    [[nodiscard]] bool find_address(const Transport& transport);
    Task<bool> shake_hands();
    Task<bool> find_identity(RedisHandshake& handshake);
    Task<bool> ask(RedisCommands commands, std::vector<RedisReply>& replies);
    Task<bool> enable_tracking();
    static Task<void> retrack(std::shared_ptr<RedisLink> self);
    Task<void> sleep(Milliseconds time);
    void report(const Refusal& refusal);
    void fail_attempt(RedisError reason, std::string_view text);
    void limit_attempt(Milliseconds time);
    void lose(const Transport& transport);
    void heartbeat();

    // ---- batches and their replies (link.cpp)
    static Task<void> read_replies(std::shared_ptr<RedisLink> self, Transport transport);
    void submit(RedisBatchPointer batch);
    void enqueue(RedisBatchPointer batch);
    void enqueue(RedisBatchPointer batch, RedisCommands::Scripts scripts);
    void flush();
    void written(const Transport& transport, error_code error);
    bool take_replies();
    void take_answer(RedisPipeline::Answer& answer);
    bool send_scripts_whole(const RedisBatchPointer& batch);
    void note_refusals(const RedisBatch& batch);
    void probe();
    void judge_probe(const RedisPipeline::Answer& answer);
    void arm(SteadyTime deadline);
    void expire();
    void stall();

    boost::asio::io_context& context_;
    RedisShared& shared_;
    RedisNode& node_;
    LinkHealth health_;
    RedisPipeline pipeline_;
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<std::int64_t> tracked_by_{0};
    std::atomic<bool> untracked_reads_{false};
    std::atomic<SteadyClock::rep> proved_at_{0};

    Transport transport_;  ///< null: there is no connection, and none is being made
    bool writing_ = false;
    bool flush_posted_ = false;
    std::size_t unsent_ = 0;  // batches since the last flush
    bool gathers_ = false;    // that one sent more than one
    bool stopping_ = false;
    bool retracking_ = false;
    bool attempting_ = false;
    RedisCommands::Scripts scripts_ = RedisCommands::Scripts::by_digest;
    SteadyTime tracking_refused_until_{};
    RedisAddress address_;  ///< of the last try
    SteadyTime armed_for_ = SteadyTime::max();
    Timer deadline_timer_;
    Timer pause_timer_;  ///< wakes `keep_connected`: after a pause, or when the connection is lost
    Timer attempt_timer_;
    Timer heartbeat_timer_;
};

}  // namespace larder::redis
