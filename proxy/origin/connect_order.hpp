#pragma once
#include <cstddef>
#include <vector>

#include "base/clock.hpp"

/// In which order, and when, the addresses of an origin are tried for one new connection (RFC 8305,
/// "Happy Eyeballs"). Without I/O: fed with times and results.
namespace larder::origin {

/// RFC 8305, 8: the connection attempt delay.
constexpr Milliseconds attempt_delay{250};
/// An address that accepted the connection gets this long for its TLS handshake before another
/// address is tried.
constexpr Milliseconds handshake_delay{1000};
/// More addresses than these are not tried for one connection.
constexpr std::size_t attempts_max = 16;

struct Candidate {
    bool v6 = false;
    bool usable = true;  ///< false: it failed lately, and comes behind all others
};

/// The indexes of the candidates in the order to try them. `first` is the one that the balance has
/// picked. The others follow in turn from there, with the families alternating (RFC 8305, 4), the
/// usable ones before the rest.
std::vector<std::size_t> connect_order(const std::vector<Candidate>& candidates, std::size_t first);

/// The attempts for one connection. They are numbered in their order.
class ConnectRace {
public:
    struct Step {
        enum class Kind {
            start,  ///< begin attempt `which`, and ask again
            wait,   ///< until an attempt ends or `until` has come, and ask again
            lost,   ///< all have failed, or the time is over
        };
        Kind kind = Kind::lost;
        std::size_t which = 0;
        SteadyTime until{};
    };

    /// No attempt begins after `give_up`. Attempts under way end by themselves at that moment.
    ConnectRace(std::size_t attempts, SteadyTime give_up)
        : attempts_(attempts), give_up_(give_up) {}

    [[nodiscard]] Step next(SteadyTime now);

    /// The address accepted the connection, and the TLS handshake begins.
    void accepted(SteadyTime now);
    /// An attempt ended without a connection: the next one need not wait.
    void failed();

private:
    std::size_t attempts_;
    SteadyTime give_up_;
    std::size_t started_ = 0;
    std::size_t under_way_ = 0;
    SteadyTime next_start_{};
};

}  // namespace larder::origin
