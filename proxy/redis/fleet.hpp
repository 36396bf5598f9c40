#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "redis/memory_trust.hpp"
#include "redis/node.hpp"
#include "redis/redirect.hpp"
#include "redis/slots.hpp"

namespace larder::redis {

/// All Redis servers that hold the data: one node, or a lane for each master of a cluster. A lane
/// is the place of one master: when another server takes its slots over, the lane leads there, and
/// its node meets a server with another identity, as it does after any failover. Any thread;
/// `apply` on one.
class RedisFleet {
public:
    static constexpr int lanes_max = MemoryTrust::lanes_max;
    static constexpr int no_lane = -1;

    /// `kind`: of each node. `links`: likewise. All that is given must outlive the fleet.
    RedisFleet(NodeKind kind, int links, const PurgeJournal& journal, MemoryTrust& trust,
               const SharedCallback& wake_maintenance);

    [[nodiscard]] bool is_cluster() const { return is_cluster_; }
    /// The single node; of a cluster, the first lane, which stands for the process where something
    /// concerns no node in particular.
    [[nodiscard]] RedisNode& first() { return *lanes_[0]; }
    [[nodiscard]] const RedisNode& first() const { return *lanes_[0]; }
    /// How many lanes were ever made.
    [[nodiscard]] int size() const { return size_.load(std::memory_order_acquire); }
    [[nodiscard]] RedisNode& lane(int index) { return *lanes_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const RedisNode& lane(int index) const {
        return *lanes_[static_cast<std::size_t>(index)];
    }
    /// The lanes that own slots.
    [[nodiscard]] std::vector<int> in_use() const;

    /// The lane that owns the slot; `no_lane`: the owner is not known.
    [[nodiscard]] int lane_of(int slot) const {
        if (!is_cluster_) return 0;
        return owners_[static_cast<std::size_t>(slot)].load(std::memory_order_acquire);
    }
    /// Null: nobody owns the key's slot.
    [[nodiscard]] RedisNode* node_of(std::string_view redis_key);
    /// The lane that leads to that address; `no_lane`: none does.
    [[nodiscard]] int lane_at(const RedisAddress& address) const;
    /// The lowest slot that the lane owns; -1: it owns none.
    [[nodiscard]] int home_slot(int lane) const;
    /// The groups of slots that the lane owns something of.
    [[nodiscard]] SlotGroups groups_of(int lane) const;
    /// Rises with each change of the map.
    [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    /// Whether each slot has an owner.
    [[nodiscard]] bool is_whole() const { return whole_.load(std::memory_order_acquire); }

    /// What a new map has changed.
    struct Changes {
        bool any = false;
        std::vector<int> begun;  ///< lanes that have slots and had none, or lead elsewhere now
        std::vector<int> ended;  ///< lanes that have none any more
    };
    /// Takes over a map. What is in memory is forgotten where the map has changed: it may have been
    /// read from a node that does not tell of changes any more.
    Changes apply(const std::vector<SlotRange>& ranges);
    /// A node said that the slot has moved to a lane that is known.
    void move_slot(int slot, int lane);

    // ---- all nodes together

    [[nodiscard]] bool up() const;
    [[nodiscard]] RedisNode::Breaker breaker() const;
    [[nodiscard]] SteadyTime memory_trusted_until() const { return trust_.until(); }
    /// Up to when the news of all nodes has been heard.
    [[nodiscard]] SteadyTime heard_until() const;
    [[nodiscard]] bool has_subscribers() const;
    void prove_subscribers() const;
    /// There may be purges that this instance has not heard of: no mark proves anything any more.
    /// `but`: a lane whose marks stay, since its server is gone.
    void news_missed(int but = no_lane);
    /// Marks of a predecessor.
    void adopt_mark(const std::string& name);
    [[nodiscard]] std::vector<std::string> mark_names() const;
    void forget_everything_ids();

private:
    int place_for(const RedisAddress& master, const std::vector<SlotRange>& ranges,
                  std::uint64_t taken) const;
    int make_lane();

    const NodeKind kind_;
    const bool is_cluster_;
    const int links_;
    const PurgeJournal& journal_;
    MemoryTrust& trust_;
    const SharedCallback& wake_maintenance_;
    std::array<std::unique_ptr<RedisNode>, lanes_max> lanes_;
    std::atomic<int> size_{0};
    std::array<std::atomic<std::int8_t>, slots_all> owners_;
    std::atomic<std::uint64_t> version_{1};
    std::atomic<bool> whole_{false};
    std::atomic<std::uint64_t> used_{0};  ///< the lanes that own slots, a bit for each
    mutable std::mutex mutex_;            ///< guards `adopted_`
    std::vector<std::string> adopted_;
};

}  // namespace larder::redis
