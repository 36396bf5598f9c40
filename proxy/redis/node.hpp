#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "redis/everything_id.hpp"
#include "redis/history_marks.hpp"
#include "redis/journal.hpp"
#include "redis/links.hpp"
#include "redis/server_epochs.hpp"
#include "redis/shared_callback.hpp"
#include "redis/subscriber_state.hpp"
#include "store/memory_store.hpp"

namespace larder::redis {

class RedisLink;

/// One Redis server as this process knows it: where it is, who it is, whether it may be read, the
/// connections to it, and whether the memory tier may trust what was read from it. Any thread.
///
/// Two marks decide whether a read may be asked besides its link being usable: the journal is
/// empty, and the epoch of the link's server is cleared. All links and the subscriber lead to the
/// server of the current epoch; a connection to another one is ended.
class RedisNode {
public:
    /// `memory` may be null. All that is given must outlive the node.
    RedisNode(int links, const PurgeJournal& journal, store::MemoryStore* memory,
              const SharedCallback& wake_maintenance);

    [[nodiscard]] ServerEpochs& epochs() { return epochs_; }
    [[nodiscard]] const ServerEpochs& epochs() const { return epochs_; }
    [[nodiscard]] RedisLinks& links() { return links_; }
    [[nodiscard]] NodeAddress& address() { return address_; }
    [[nodiscard]] const NodeAddress& address() const { return address_; }
    [[nodiscard]] HistoryMarks& marks() { return marks_; }

    // ---- the server (node.cpp)

    /// Every link can be read now.
    [[nodiscard]] bool up() const;
    enum class Breaker : std::uint8_t { closed = 0, probing = 1, open = 2 };
    [[nodiscard]] Breaker breaker() const;
    /// Whether what this link reads may be believed.
    [[nodiscard]] bool may_read(const RedisLink& link) const;
    /// A link that could carry a purge now: `preferred`, or any other that leads to the current
    /// server. Null: none.
    [[nodiscard]] std::shared_ptr<RedisLink> usable_link(
        const std::shared_ptr<RedisLink>& preferred) const;

    /// A link's new connection leads to the server of that name. Gives its epoch. A new name ends
    /// all other connections.
    [[nodiscard]] std::uint64_t register_server(const std::string& name, const RedisLink* link);
    /// Ends the epoch of a server that does not say who it is, because one of its links was lost:
    /// all connections are made anew, since nothing else tells whether the server was restarted in
    /// between.
    void end_epoch(std::uint64_t epoch);
    /// A link came or went.
    void link_changed() const { wake_maintenance_(); }
    /// A link had trouble of its own: all others prove themselves. `which` null: all do.
    void link_troubled(const RedisLink* which) const;

    /// Has the maintenance tell the other instances that this one lives, now rather than when it is
    /// due.
    void tell_presence_soon();
    [[nodiscard]] bool take_presence_due() {
        return presence_due_.exchange(false, std::memory_order_acq_rel);
    }

    // ---- the subscriber and the memory tier (node_trust.cpp)

    /// The client id of the subscriber that hears of changes, if it is connected to the current
    /// server; 0: none.
    [[nodiscard]] std::int64_t subscriber() const { return subscriber_.id(); }
    [[nodiscard]] bool hears_another_server() const { return subscriber_.hears_another_server(); }
    [[nodiscard]] SteadyTime heard_until() const { return subscriber_.heard_until(); }
    [[nodiscard]] SteadyTime memory_trusted_until() const { return subscriber_.trusted_until(); }
    /// A subscriber is there (its id on the server of that name), or was lost (0).
    void set_subscriber(std::int64_t id, std::string server);
    /// The subscriber answered a PING sent then: everything Redis had to tell up to then has been
    /// heard.
    void subscriber_proved(SteadyTime ping_sent);
    /// Has the subscriber show at once that it lives.
    void prove_subscriber() const { prover_(); }
    /// What `prove_subscriber` does.
    [[nodiscard]] SharedCallback& prover() { return prover_; }
    /// What ends the subscriber's connection when it leads to another server than the links.
    [[nodiscard]] SharedCallback& subscriber_ender() { return subscriber_ender_; }

    /// Whether links track every key they read (there is a memory tier), or only what they ask to
    /// be told of.
    [[nodiscard]] bool tracks_all() const { return memory_ != nullptr; }
    /// What is in memory and was read from Redis so far may have been read untracked: forget it.
    void forget_untracked();

    /// The id that every entry carries, where it is known for sure: it was read tracked, and the
    /// subscriber lives. 0: to be asked for.
    [[nodiscard]] std::uint64_t everything_id() const;
    [[nodiscard]] bool knows_everything_id() const { return everything_.get() != 0; }
    /// To be noted before the id is asked for.
    [[nodiscard]] std::uint64_t everything_version() const { return everything_.version(); }
    /// Takes the answer of that epoch's server, unless a change was heard of since.
    void set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch);
    void forget_everything_id();

private:
    void settle_subscriber();

    const PurgeJournal& journal_;
    store::MemoryStore* const memory_;
    const SharedCallback& wake_maintenance_;
    ServerEpochs epochs_;
    RedisLinks links_;
    NodeAddress address_;
    HistoryMarks marks_;
    SubscriberState subscriber_{epochs_};
    EverythingId everything_;
    std::atomic<bool> presence_due_{false};
    SharedCallback prover_;
    SharedCallback subscriber_ender_;
};

}  // namespace larder::redis
