#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "redis/reply.hpp"
#include "redis/url.hpp"

/// What the nodes of a Redis Cluster say about who owns which slot. Pure.
namespace larder::redis {

/// What a node says that it does not do a command for the slot it touches.
struct Redirect {
    enum class Kind : std::uint8_t {
        none,       ///< it is no such reply
        moved,      ///< another node owns the slot
        ask,        ///< the slot is being moved: ask there, this time
        try_again,  ///< the slot is being moved, and the command's keys are on both sides
        down,       ///< the cluster does not serve, or the slot has no owner
    };
    Kind kind = Kind::none;
    int slot = 0;
    RedisAddress address;  ///< of `moved` and `ask`; an empty host: the host that said it
};
[[nodiscard]] Redirect read_redirect(const RedisReply& reply);

/// Slots that follow one another and belong to one master.
struct SlotRange {
    int first = 0;
    int last = 0;
    RedisAddress master;
    bool operator==(const SlotRange& other) const {
        return first == other.first && last == other.last && master.host == other.master.host &&
               master.port == other.master.port;
    }
};
/// The reply to CLUSTER SLOTS of the node at `asked`, which counts where it does not name a host.
/// Nothing where the reply makes no sense; ranges without a usable address are left out.
[[nodiscard]] std::optional<std::vector<SlotRange>> read_slots(const RedisReply& reply,
                                                               const RedisAddress& asked);

}  // namespace larder::redis
