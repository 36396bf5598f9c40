#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "redis/command.hpp"
#include "redis/identity.hpp"
#include "redis/reply.hpp"

namespace larder::redis {

/// Whether a connection to Redis may be used: the circuit breaker of one link. No I/O. One thread,
/// except `state`.
///
/// A connection that was doubted is used again only after a probe was answered within
/// redis.timeout: requests would wait in vain for a slower Redis. The probe asks for the server's
/// role and replication id, so that it also shows whether the server is still the same.
class LinkHealth {
public:
    enum class State : std::uint8_t {
        disconnected,
        handshaking,
        stalled,  ///< connected, but a probe must be answered before it is used
        ready,
    };
    /// Whether the server is alone, or a node that also must find that its cluster serves.
    enum class Of : std::uint8_t { single, cluster };
    /// `timeout`: within which a probe must be answered.
    explicit LinkHealth(Milliseconds timeout, Of of = Of::single) : timeout_(timeout), of_(of) {}

    /// Any thread.
    [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }
    /// Any thread.
    [[nodiscard]] bool connected() const { return state() >= State::stalled; }

    void connecting() { set(State::handshaking); }
    /// The handshake is over. `identity` may be without a run id: the server does not tell it. A
    /// probe is due.
    void connected_to(ServerIdentity identity, SteadyTime now);
    /// Gives the state before.
    State disconnected();

    /// The connection must prove that it works. True: it was in use, so a probe is due.
    [[nodiscard]] bool doubt(SteadyTime now);
    /// The command of a probe.
    [[nodiscard]] RedisCommands probe() const;
    enum class Verdict : std::uint8_t {
        alive,       ///< nothing changes
        usable,      ///< a stalled connection is ready now
        late,        ///< the answer took too long: another probe is due
        replica,     ///< the server is no master any more: give the connection up
        other_data,  ///< the server has taken over other data: give the connection up
        no_cluster,  ///< the node says that its cluster does not serve: not to be used for now
    };
    /// Judges the answer to a probe. `replies` may be empty: the probe's deadline had passed.
    [[nodiscard]] Verdict judge(const std::vector<RedisReply>& replies, SteadyTime sent_at,
                                SteadyTime now);
    /// The connection was stalled for so long that a new one is better.
    [[nodiscard]] bool hopeless(SteadyTime now) const;

    /// Whether the connection was ready once since the last call.
    [[nodiscard]] bool take_was_ready();
    /// The server says who it is.
    [[nodiscard]] bool names_server() const { return !identity_.run_id.empty(); }

private:
    void set(State state) { state_.store(state, std::memory_order_release); }

    const Milliseconds timeout_;
    const Of of_;
    std::atomic<State> state_{State::disconnected};
    ServerIdentity identity_;
    SteadyTime stalled_since_{};
    bool was_ready_ = false;
};

}  // namespace larder::redis
