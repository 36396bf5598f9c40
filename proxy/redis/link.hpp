#pragma once
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/command.hpp"
#include "redis/identity.hpp"
#include "redis/reply.hpp"
#include "redis/task.hpp"
#include "redis/transport.hpp"
#include "redis/troubles.hpp"

namespace larder::redis {

class RedisShared;

/// Commands that go out together, and their replies. Shared by who waits and the link; after
/// `async_run` it belongs to the link until the wait is over.
struct RedisBatch {
    enum class Status : std::uint8_t {
        ok,    ///< all replies are there (each may be an error of its own)
        down,  ///< not sent, or the connection was lost: whether the commands were done is unknown
        timeout,  ///< no answer by the deadline: likewise
    };
    RedisCommands commands;
    SteadyTime deadline{};
    std::uint64_t epoch =
        0;  ///< not 0: fails as down unless it is still this server (RedisLink::epoch)
    enum class Needs : std::uint8_t { usable_link, connection, transport };
    Needs needs = Needs::usable_link;  ///< `connection`: goes to a stalled one as well;
                                       ///< `transport`: the link's own handshake
    bool probe = false;  ///< the link's own question whether the server lives and is still the same
    std::size_t bytes_expected = 0;     ///< of a large value, in either direction (RedisBulk)
    RedisWork work = RedisWork::other;  ///< what does not work where the server refuses it
    Status status = Status::down;
    std::vector<RedisReply> replies;

    /// Resumes who waits, on their own executor.
    struct Completion {
        virtual ~Completion() = default;
        virtual void run() = 0;
    };
    std::unique_ptr<Completion> completion;  ///< null: nobody waits
};
using RedisBatchPointer = std::shared_ptr<RedisBatch>;

/// Resumes a waiting coroutine on its own executor, which runs until then.
template <class Handler>
struct CompletionOf final : RedisBatch::Completion {
    explicit CompletionOf(Handler handler_in)
        : handler(std::move(handler_in)), work(boost::asio::get_associated_executor(handler)) {}
    void run() override { boost::asio::dispatch(std::move(handler)); }
    Handler handler;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work;
};

/// One connection to Redis, kept up: pipelined, with a deadline for each batch and a breaker.
///
/// Everything submitted in one turn of the event loop leaves in one write; replies are matched in
/// order, and the late reply of a batch whose deadline has passed is swallowed in its place. While
/// the link is not `usable` a batch fails at once and nobody waits. It stops being usable when the
/// connection is lost, when a command timed out and not a byte came meanwhile (stalled), and when
/// another link of the process had such trouble (suspect) until a probe is answered, within
/// redis.timeout. The probe asks for the server's role and replication id: a connection whose
/// server has become a replica, or has another history of its data, is given up. Lives on its
/// context's thread; what is marked so may be called from any.
class RedisLink : public std::enable_shared_from_this<RedisLink> {
public:
    RedisLink(boost::asio::io_context& context, RedisShared& shared);

    void start();
    /// Any thread. Closes for good; what waits fails as down, and the context runs out of this
    /// link's work.
    void stop();

    /// Any thread: whether a batch would be sent now.
    [[nodiscard]] bool usable() const {
        return state_.load(std::memory_order_acquire) == State::ready;
    }
    /// Any thread: whether there is a connection that Redis may know keys of (tracking).
    [[nodiscard]] bool connected() const {
        return state_.load(std::memory_order_acquire) >= State::stalled;
    }
    /// Any thread: the server the connection leads to, as RedisShared numbers them.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
    /// Any thread: the subscriber (its client id) that hears of the keys read here; 0: none.
    [[nodiscard]] std::int64_t tracked_by() const {
        return tracked_by_.load(std::memory_order_acquire);
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
    enum class State : std::uint8_t { disconnected, handshaking, stalled, ready };

    struct Pending {
        RedisBatchPointer batch;  ///< null: nobody waits any more, the replies are swallowed
        std::size_t expected = 0;
        std::size_t received = 0;
        SteadyTime sent_at{};
        SteadyTime deadline{};
        bool probe = false;
        std::vector<RedisReply> replies;
    };

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

    static Task<void> keep_connected(std::shared_ptr<RedisLink> self);
    static Task<void> read_replies(std::shared_ptr<RedisLink> self, Transport transport);
    Task<bool> attempt();
    Task<bool> shake_hands();
    Task<bool> find_identity(const RedisReply* info);
    Task<bool> enable_tracking();
    static Task<void> retrack(std::shared_ptr<RedisLink> self);
    Task<void> sleep(Milliseconds time);

    void submit(RedisBatchPointer batch);
    void enqueue(RedisBatchPointer batch);
    void probe();
    void judge_probe(const Pending& probe);
    void flush();
    void written(const Transport& transport, error_code error);
    bool take_replies();
    void finish_front();
    void note_refusals(const RedisBatch& batch);
    void note_refusal_of_handshake();
    void fail_attempt(RedisError reason, std::string_view text);
    void limit_attempt(Milliseconds time);
    void arm(SteadyTime deadline);
    void expire();
    void stall();
    void lose(const Transport& transport);
    void heartbeat();
    static void complete(RedisBatchPointer batch, RedisBatch::Status status);

    boost::asio::io_context& context_;
    RedisShared& shared_;
    std::atomic<State> state_{State::disconnected};
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<std::int64_t> tracked_by_{0};
    std::atomic<SteadyClock::rep> proved_at_{0};

    Transport transport_;
    std::unique_ptr<RedisReplyReader> reader_;
    std::deque<Pending> pending_;
    std::vector<std::string> out_;
    std::size_t out_bytes_ = 0;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool stopping_ = false;
    bool retracking_ = false;
    bool attempting_ = false;
    SteadyTime tracking_refused_until_{};
    RedisAddress address_;  ///< of the last try
    SteadyTime received_at_{};
    SteadyTime stalled_since_{};
    SteadyTime armed_for_ = SteadyTime::max();
    Timer deadline_timer_;
    Timer pause_timer_;  ///< wakes `keep_connected`: after a pause, or when the connection is lost
    Timer attempt_timer_;
    Timer heartbeat_timer_;
    ServerIdentity
        identity_;  ///< of the server the connection leads to; without a name: known by nonce
    bool was_ready_ = false;  ///< since the connection was made
};

}  // namespace larder::redis
