#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "flow/purge_relay.hpp"
#include "redis/shared.hpp"
#include "server/handover_trust.hpp"
#include "server/message_channel.hpp"
#include "server/owed_file.hpp"
#include "server/planned_file.hpp"
#include "store/fetch_board.hpp"
#include "store/memory_store.hpp"

namespace larder::server {

/// The parts of the program that both ends of a hand-over use. They outlive the ends.
struct SuccessionParts {
    store::Generations& generations;
    store::MemoryStore& memory;
    store::FetchBoard& board;
    redis::RedisShared* redis = nullptr;            ///< null: off
    HandoverTrust* trust = nullptr;                 ///< null: with Redis
    OwedFile* owed = nullptr;                       ///< null: no state directory, or no Redis
    PlannedFile* planned = nullptr;                 ///< null: no state directory
    std::function<void(store::PlannedPurge)> plan;  ///< leaves it to a worker; any thread
    std::function<std::string()> reach;             ///< RouteTable::reach of the rules in force

    /// The name of the Redis that gets the owed purges; empty: none.
    [[nodiscard]] std::string redis_name() const;
    /// Takes over what the file of planned purges lists, and writes it from now on: purges what is
    /// due, and plans the rest. Does nothing if this process writes the file already. Any thread.
    void adopt_planned() const;
};

/// The old process's end of a hand-over (SIGUSR2). For users both processes are one instance. So
/// the successor gets the purge history and the journal, and then every further purge of this
/// process before the client of that purge gets its answer. When the successor is about to serve,
/// this process stops answering from its memory tier, because it does not learn of writes through
/// the successor.
///
/// A successor that does not acknowledge within a second counts as gone. It sees the channel end
/// without `finished`, and purges everything. As long as its process lives, this process does not
/// answer from memory without Redis, since it does not hear of writes through the successor.
class ToSuccessor final : public flow::PurgeRelay, private MessageChannel::Handler {
public:
    explicit ToSuccessor(SuccessionParts parts) : parts_(parts) {}

    /// Call it before the successor is started. Opens the channel. Returns the successor's end; the
    /// caller lets the successor inherit it and then closes it. Negative: failed.
    int open();
    /// Call it when the successor was started: sends the history and the journal.
    void begin();
    /// Call it when the successor's process has ended: this process serves as before.
    void end();
    /// Call it when all work of this process is done: sends `finished`.
    void finish();

    /// The successor serves and gets every purge.
    [[nodiscard]] bool serves() const {
        return phase_.load(std::memory_order_acquire) == Phase::serving;
    }
    /// The successor has taken over the purges owed to Redis.
    [[nodiscard]] bool owes() const {
        return serves() && same_redis_.load(std::memory_order_acquire);
    }

    [[nodiscard]] bool must_hear(store::PurgeOutcome outcome) const override;
    [[nodiscard]] net::Task<void> pass_on(net::Executor executor, const store::PurgeOrder& order,
                                          store::PurgeOutcome outcome) override;
    [[nodiscard]] bool may_miss_writes() const override {
        return parts_.trust != nullptr && !parts_.trust->lasts();
    }
    [[nodiscard]] bool take_over(const store::PlannedPurge& purge) override;
    void keep(const store::PlannedPurge& purge) override;
    [[nodiscard]] net::Task<void> until_kept(net::Executor executor) override;

private:
    enum class Phase : std::uint8_t {
        none,      ///< no successor, or it is gone
        starting,  ///< purges are sent without waiting: it does them before it serves
        serving,
        lost,  ///< the channel has ended; the successor may live, and serve
    };
    struct Waiter;
    /// What a purge waits for.
    enum class Awaited : std::uint8_t {
        nothing,
        acknowledgement,
        silence,  ///< until the successor answers nothing from memory that is from before the purge
    };

    void on_message(char kind, std::string_view body) override;
    void on_interval() override;
    void on_end() override;
    void heard_of_successor(SteadyTime sent);
    void lose();
    void wake_all();
    void step_back(std::string_view their_redis);
    void send_full_history();
    void acknowledged(std::uint64_t number);
    [[nodiscard]] Awaited send_purge(const store::PurgeOrder& order, store::PurgeOutcome outcome,
                                     const std::shared_ptr<Waiter>& waiter);
    [[nodiscard]] SteadyTime give_up_at(Awaited awaited);
    void give_up_successor();

    const SuccessionParts parts_;
    std::atomic<Phase> phase_{Phase::none};
    std::atomic<bool> same_redis_{false};
    std::atomic<bool> may_have_served_{false};  // the successor, at some time
    SteadyTime trusted_until_{};  // set before the channel starts, and then on its thread
    std::mutex mutex_;            // guards all below
    std::unique_ptr<MessageChannel> channel_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> waiters_;
    std::uint64_t last_number_ = 0;
    SteadyTime silent_at_{};  // where it is lost: from then on its memory tier answers nothing old
};

}  // namespace larder::server
