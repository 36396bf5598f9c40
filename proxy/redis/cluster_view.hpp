#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/redirect.hpp"

/// What one node of a cluster says of it, and whether that is to be believed. Pure.
namespace larder::redis {

struct ClusterView {
    std::uint64_t epoch = 0;  ///< of the node's configuration: a failover raises it
    bool serves = false;      ///< the node says that the cluster is fine
    std::vector<SlotRange> ranges;
};
/// From the replies to CLUSTER INFO and CLUSTER SLOTS of the node at `asked`.
[[nodiscard]] std::optional<ClusterView> read_view(const RedisReply& info, const RedisReply& slots,
                                                   const RedisAddress& asked);
/// Of the reply to CLUSTER NODES: the configuration epoch and the slots of the node that was asked.
/// Empty: a slot of it is being moved, or the text makes no sense.
[[nodiscard]] std::string own_slots(std::string_view nodes);
/// Whether CLUSTER INFO says that the cluster does not serve.
[[nodiscard]] bool says_cluster_fails(std::string_view info);

/// Chooses among views that contradict each other: one whose epoch is lower than one seen before is
/// of a node that has missed a failover. One thread.
class ViewJudge {
public:
    /// True: the map may be taken over.
    [[nodiscard]] bool accepts(const ClusterView& view, SteadyTime now) {
        const bool newer = view.epoch >= epoch_;
        // A cluster that was made anew begins with a low epoch.
        const bool alone = now - accepted_at_ > longest_alone;
        if (!newer && !alone) return false;
        epoch_ = view.epoch;
        accepted_at_ = now;
        return true;
    }

private:
    static constexpr Milliseconds longest_alone{5000};
    std::uint64_t epoch_ = 0;
    SteadyTime accepted_at_{};
};

}  // namespace larder::redis
