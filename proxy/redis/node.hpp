#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "redis/history_marks.hpp"
#include "redis/journal.hpp"
#include "redis/known_value.hpp"
#include "redis/links.hpp"
#include "redis/memory_trust.hpp"
#include "redis/server_epochs.hpp"
#include "redis/shared_callback.hpp"
#include "redis/subscriber_state.hpp"

namespace larder::redis {

class RedisLink;

enum class NodeKind : std::uint8_t {
    single,
    of_cluster,    ///< a master: after any trouble others must confirm that it still is one
    of_sentinels,  ///< a master: used while sentinels say that it still is one
};

/// One Redis server as this process knows it: where it is, who it is, whether it may be read, the
/// connections to it, and whether the memory tier may trust what was read from it. Any thread.
///
/// Two marks decide whether a read may be asked besides its link being usable: the journal is
/// empty, and the epoch of the link's server is cleared. All links and the subscriber lead to the
/// server of the current epoch; a connection to another one is ended.
class RedisNode {
public:
    /// All that is given must outlive the node. `lane`: its place among the nodes of a cluster.
    RedisNode(int links, const PurgeJournal& journal, MemoryTrust& trust,
              const SharedCallback& wake_maintenance, NodeKind kind = NodeKind::single,
              int lane = 0);

    [[nodiscard]] int lane() const { return lane_; }
    [[nodiscard]] bool is_of_cluster() const { return kind_ == NodeKind::of_cluster; }
    /// Whether a watch (ClusterWatch, SentinelWatch) tells where the node is to be reached, and up
    /// to when it may be used.
    [[nodiscard]] bool is_watched() const { return kind_ != NodeKind::single; }

    [[nodiscard]] ServerEpochs& epochs() { return epochs_; }
    [[nodiscard]] const ServerEpochs& epochs() const { return epochs_; }
    [[nodiscard]] RedisLinks& links() { return links_; }
    [[nodiscard]] NodeAddress& address() { return address_; }
    [[nodiscard]] const NodeAddress& address() const { return address_; }
    [[nodiscard]] HistoryMarks& marks() { return marks_; }
    [[nodiscard]] const HistoryMarks& marks() const { return marks_; }

    // ---- the server (node.cpp)

    /// Every link can be read now.
    [[nodiscard]] bool up() const;
    enum class Breaker : std::uint8_t { closed = 0, probing = 1, open = 2 };
    [[nodiscard]] Breaker breaker() const;
    /// Whether what this link reads may be believed.
    [[nodiscard]] bool may_read(const RedisLink& link) const;
    /// The same, whatever purges are owed.
    [[nodiscard]] bool is_fit(const RedisLink& link) const;
    /// Whether the connection leads to the current server, and that is still the one to use.
    [[nodiscard]] bool is_current(const RedisLink& link) const;
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
    /// Another server takes this one's place. An empty host: none does, and the links rest.
    void lead_to(const RedisAddress& address);
    /// A link came or went.
    void link_changed() const { wake_maintenance_(); }
    /// A link had trouble of its own: all others prove themselves. `which` null: all do.
    void link_troubled(const RedisLink* which);

    /// A master of a cluster that was silent may have been replaced meanwhile, and not know it yet.
    /// It is not used until another node, asked after that, says that it owns its slots.
    void doubt();
    [[nodiscard]] bool is_doubtful() const {
        return is_watched() && (doubted_at_.load(std::memory_order_acquire) != 0 ||
                                steady_now() >= confirmed_until());
    }
    /// Another node that was asked then says that it owns its slots.
    void confirmed(SteadyTime asked_at);
    /// Up to when the words of the other masters (redis/confirmations.hpp) or of the sentinels
    /// (redis/sentinel_words.hpp) count. Later it is in doubt too.
    void confirm_until(SteadyTime until);
    [[nodiscard]] SteadyTime confirmed_until() const {
        return SteadyTime(SteadyClock::duration(confirmed_until_.load(std::memory_order_acquire)));
    }

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
    [[nodiscard]] bool tracks_all() const { return trust_.has_memory(); }
    /// What is in memory and was read from Redis so far may have been read untracked: forget it.
    void forget_untracked();
    /// Any thread: whether GETEX may be used to look at a key that Redis is not to note, as it
    /// notes what is read (every command that only reads is tracked, no other). Noting costs
    /// Redis, and so does telling of the key's end.
    [[nodiscard]] bool looks_unnoticed() const {
        return looks_unnoticed_.load(std::memory_order_relaxed);
    }
    /// What the connection that tracks found out.
    void set_looks_unnoticed(bool can) { looks_unnoticed_.store(can, std::memory_order_relaxed); }

    /// The id that every entry carries, where it is known for sure: it was read tracked, and the
    /// subscriber lives. 0: to be asked for.
    [[nodiscard]] std::uint64_t everything_id() const;
    [[nodiscard]] bool knows_everything_id() const { return everything_.get() != 0; }
    /// To be noted before the id is asked for.
    [[nodiscard]] std::uint64_t everything_version() const { return everything_.version(); }
    /// Takes the answer of that epoch's server, unless a change was heard of since.
    void set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch);
    void forget_everything_id();

    /// The purge clock as it was read last: at most what it is now. An older value than the present
    /// one only makes a fetch look as if it had begun earlier.
    [[nodiscard]] KnownValue& purge_clock() { return purge_clock_; }

private:
    void settle_subscriber();
    void extend_trust();

    const PurgeJournal& journal_;
    MemoryTrust& trust_;
    const SharedCallback& wake_maintenance_;
    const NodeKind kind_;
    const int lane_;
    ServerEpochs epochs_;
    std::atomic<SteadyClock::rep> doubted_at_{0};  ///< 0: it is not in doubt
    std::atomic<SteadyClock::rep> confirmed_until_{0};
    RedisLinks links_;
    NodeAddress address_;
    HistoryMarks marks_;
    SubscriberState subscriber_{epochs_};
    KnownValue everything_;
    KnownValue purge_clock_;
    std::atomic<bool> presence_due_{false};
    std::atomic<bool> looks_unnoticed_{false};
    SharedCallback prover_;
    SharedCallback subscriber_ender_;
};

}  // namespace larder::redis
