#include "redis/fleet.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "redis/link.hpp"

namespace larder::redis {

RedisFleet::RedisFleet(NodeKind kind, int links, const PurgeJournal& journal, MemoryTrust& trust,
                       const SharedCallback& wake_maintenance)
    : kind_(kind),
      is_cluster_(kind == NodeKind::of_cluster),
      links_(links),
      journal_(journal),
      trust_(trust),
      wake_maintenance_(wake_maintenance) {
    for (auto& owner : owners_) owner.store(no_lane, std::memory_order_relaxed);
    static_cast<void>(make_lane());
    if (is_cluster_) trust_.count_on(0);
    whole_ = !is_cluster_;
    used_ = is_cluster_ ? 0 : 1;
}

int RedisFleet::make_lane() {
    const int index = size();
    if (index == lanes_max) return no_lane;
    auto node =
        std::make_unique<RedisNode>(links_, journal_, trust_, wake_maintenance_, kind_, index);
    {
        const std::lock_guard lock(mutex_);
        for (const std::string& name : adopted_) node->marks().adopt(name);
    }
    lanes_[static_cast<std::size_t>(index)] = std::move(node);
    size_.store(index + 1, std::memory_order_release);
    return index;
}

std::vector<int> RedisFleet::in_use() const {
    const std::uint64_t used = used_.load(std::memory_order_acquire);
    std::vector<int> lanes;
    for (int lane = 0; lane < size(); ++lane)
        if ((used >> lane & 1) != 0) lanes.push_back(lane);
    return lanes;
}

RedisNode* RedisFleet::node_of(std::string_view redis_key) {
    const int lane = is_cluster_ ? lane_of(slot_of(redis_key)) : 0;
    return lane == no_lane ? nullptr : lanes_[static_cast<std::size_t>(lane)].get();
}

int RedisFleet::lane_at(const RedisAddress& address) const {
    for (int lane = 0; lane < size(); ++lane)
        if (this->lane(lane).address().target() == address) return lane;
    return no_lane;
}

int RedisFleet::home_slot(int lane) const {
    for (int slot = 0; slot < slots_all; ++slot)
        if (lane_of(slot) == lane) return slot;
    return -1;
}

SlotGroups RedisFleet::groups_of(int lane) const {
    SlotGroups groups = 0;
    for (int slot = 0; slot < slots_all; ++slot)
        if (lane_of(slot) == lane) groups |= bit_of_group(group_of_slot(slot));
    return groups;
}

/// The lane for a master that no lane leads to: the one that owns most of its slots and has lost
/// its own master, so that a failover is one lane's affair; else one that is free, or a new one.
int RedisFleet::place_for(const RedisAddress& master, const std::vector<SlotRange>& ranges,
                          std::uint64_t taken) const {
    std::map<int, int> owned;
    for (const SlotRange& range : ranges) {
        if (range.master != master) continue;
        for (int slot = range.first; slot <= range.last; ++slot) {
            const int lane = lane_of(slot);
            if (lane != no_lane && (taken >> lane & 1) == 0) ++owned[lane];
        }
    }
    const auto most = std::max_element(
        owned.begin(), owned.end(),
        [](const auto& one, const auto& other) { return one.second < other.second; });
    if (most != owned.end()) return most->first;
    for (int lane = 0; lane < size(); ++lane)
        if ((taken >> lane & 1) == 0) return lane;
    return no_lane;
}

RedisFleet::Changes RedisFleet::apply(const std::vector<SlotRange>& ranges) {
    Changes changes;
    const std::vector<int> before = in_use();
    std::map<RedisAddress, int> places;
    std::uint64_t taken = 0;
    for (const SlotRange& range : ranges) {
        const int lane = lane_at(range.master);
        if (lane == no_lane) continue;
        places[range.master] = lane;
        taken |= std::uint64_t{1} << lane;
    }
    for (const SlotRange& range : ranges) {
        if (places.contains(range.master)) continue;
        int place = place_for(range.master, ranges, taken);
        if (place == no_lane) place = make_lane();
        if (place == no_lane) continue;  // more masters than there are lanes
        places[range.master] = place;
        taken |= std::uint64_t{1} << place;
        lane(place).lead_to(range.master);
        changes.begun.push_back(place);
    }
    std::array<std::int8_t, slots_all> owners;
    owners.fill(no_lane);
    for (const SlotRange& range : ranges) {
        const auto place = places.find(range.master);
        if (place == places.end()) continue;
        for (int slot = range.first; slot <= range.last; ++slot)
            owners[static_cast<std::size_t>(slot)] = static_cast<std::int8_t>(place->second);
    }
    for (std::size_t slot = 0; slot < owners.size(); ++slot)
        changes.any |=
            owners_[slot].exchange(owners[slot], std::memory_order_acq_rel) != owners[slot];
    changes.any |= !changes.begun.empty();
    whole_ = std::find(owners.begin(), owners.end(), no_lane) == owners.end();
    for (const int lane : before)
        if ((taken >> lane & 1) == 0) changes.ended.push_back(lane);
    for (const auto& [master, lane] : places)
        if (std::find(before.begin(), before.end(), lane) == before.end() &&
            std::find(changes.begun.begin(), changes.begun.end(), lane) == changes.begun.end())
            changes.begun.push_back(lane);
    for (const int lane : changes.ended) this->lane(lane).lead_to({});
    used_.store(taken, std::memory_order_release);
    trust_.count_on(is_whole() ? taken : 0);
    if (!changes.any) return changes;
    version_.fetch_add(1, std::memory_order_acq_rel);
    trust_.forget();
    return changes;
}

void RedisFleet::move_slot(int slot, int lane) {
    const auto owner = static_cast<std::int8_t>(lane);
    if (owners_[static_cast<std::size_t>(slot)].exchange(owner, std::memory_order_acq_rel) == owner)
        return;
    version_.fetch_add(1, std::memory_order_acq_rel);
    trust_.forget();
}

bool RedisFleet::up() const {
    const std::vector<int> lanes = in_use();
    return is_whole() &&
           std::all_of(lanes.begin(), lanes.end(), [this](int index) { return lane(index).up(); });
}

RedisNode::Breaker RedisFleet::breaker() const {
    using Breaker = RedisNode::Breaker;
    bool all_closed = is_whole();
    bool all_open = true;
    for (const int index : in_use()) {
        const Breaker one = lane(index).breaker();
        all_closed = all_closed && one == Breaker::closed;
        all_open = all_open && one == Breaker::open;
    }
    if (all_open) return Breaker::open;
    return all_closed ? Breaker::closed : Breaker::probing;
}

SteadyTime RedisFleet::heard_until() const {
    SteadyTime least = SteadyTime::max();
    for (const int index : in_use()) least = std::min(least, lane(index).heard_until());
    return least == SteadyTime::max() ? SteadyTime{} : least;
}

bool RedisFleet::has_subscribers() const {
    const std::vector<int> lanes = in_use();
    return is_whole() && std::all_of(lanes.begin(), lanes.end(),
                                     [this](int index) { return lane(index).subscriber() != 0; });
}

void RedisFleet::prove_subscribers() const {
    for (const int index : in_use()) lane(index).prove_subscriber();
}

void RedisFleet::news_missed(int but) {
    for (int index = 0; index < size(); ++index)
        if (index != but) lane(index).marks().news_missed();
}

void RedisFleet::adopt_mark(const std::string& name) {
    {
        const std::lock_guard lock(mutex_);
        adopted_.push_back(name);
    }
    for (int index = 0; index < size(); ++index) lane(index).marks().adopt(name);
}

std::vector<std::string> RedisFleet::mark_names() const {
    std::vector<std::string> names;
    for (int index = 0; index < size(); ++index)
        for (std::string& name : lane(index).marks().names()) names.push_back(std::move(name));
    return names;
}

void RedisFleet::forget_everything_ids() {
    for (int index = 0; index < size(); ++index) lane(index).forget_everything_id();
}

}  // namespace larder::redis
