#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "flow/purge_relay.hpp"
#include "redis/shared.hpp"
#include "server/message_channel.hpp"
#include "server/owed_file.hpp"
#include "store/fetch_board.hpp"
#include "store/memory_store.hpp"

namespace larder::server {

/// What both ends of a hand-over work on. All of it outlives them.
struct SuccessionParts {
    store::Generations& generations;
    store::MemoryStore& memory;
    store::FetchBoard& board;
    redis::RedisShared* redis = nullptr;  ///< null: off
    OwedFile* owed = nullptr;             ///< null: no state directory, or no Redis

    /// Names the Redis that purges are owed to; empty: none.
    [[nodiscard]] std::string redis_name() const;
};

/// The end of a hand-over in the process that goes (SIGUSR2). For users both processes are one
/// instance. So the successor gets the purge history and the journal, and then every purge that
/// this process still makes, before whoever asked for it has an answer. Once the successor says
/// that it is about to serve, this process stops answering from its memory tier: it does not hear
/// of writes through the successor.
///
/// A successor that does not acknowledge within a second counts as gone. It sees the channel end
/// without the last word, and purges everything.
class ToSuccessor final : public flow::PurgeRelay, private MessageChannel::Handler {
public:
    explicit ToSuccessor(SuccessionParts parts) : parts_(parts) {}

    /// Opens the channel. The successor's end, which the caller lets it inherit and then closes;
    /// negative: failed.
    int open();
    /// The successor was started: sends what it inherits.
    void begin();
    /// Its process has ended: this one serves as before.
    void end();
    /// Everything that was asked of this process is done: the last word.
    void finish();

    /// It serves and hears of every purge.
    [[nodiscard]] bool serves() const {
        return phase_.load(std::memory_order_acquire) == Phase::serving;
    }
    /// It has taken over what is owed to Redis.
    [[nodiscard]] bool owes() const {
        return serves() && same_redis_.load(std::memory_order_acquire);
    }

    [[nodiscard]] bool must_hear(store::PurgeOutcome outcome) const override;
    [[nodiscard]] net::Task<void> pass_on(net::Executor executor, const store::PurgeOrder& order,
                                          store::PurgeOutcome outcome) override;
    [[nodiscard]] bool take_over(const store::PurgeOrder& order, Milliseconds due_in) override;

private:
    enum class Phase : std::uint8_t {
        none,      ///< no successor, or it is gone
        starting,  ///< purges are sent, but nobody waits for it: it has done them before it serves
        serving,
    };
    struct Waiter;

    void on_message(char kind, std::string_view body) override;
    void on_end() override;
    void step_back(std::string_view their_redis);
    void send_full_history();
    void acknowledged(std::uint64_t number);
    [[nodiscard]] bool send_purge(const store::PurgeOrder& order, store::PurgeOutcome outcome,
                                  const std::shared_ptr<Waiter>& waiter);

    const SuccessionParts parts_;
    std::atomic<Phase> phase_{Phase::none};
    std::atomic<bool> same_redis_{false};
    std::mutex mutex_;  // guards all below
    std::unique_ptr<MessageChannel> channel_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> waiters_;
    std::uint64_t last_number_ = 0;
};

}  // namespace larder::server
