#include <mutex>

#include "base/hash.hpp"
#include "store/memory_store.hpp"

// What the memory tier holds, for people who look at it.
namespace larder::store {
namespace {

constexpr std::chrono::microseconds step{100};
constexpr std::size_t empty_buckets_max = 64;

}  // namespace

HeldKey MemoryStore::held_by(const Node& node) const {
    HeldKey held;
    for (const Kept& kept : node.variants) {
        const cache::StoredResponse& entry = *kept.entry;
        if (!may_serve(node.key, entry)) continue;
        if (held.variants.empty())
            held.soft_purged = generations_.soft_purged(entry.guards, entry.sequence) ||
                               patterns_.judge(node.key, entry.sequence).soft_at != 0;
        held.variants.push_back(kept.entry);
    }
    if (!held.variants.empty()) held.key = node.key;
    return held;
}

HeldKey MemoryStore::held(std::string_view key, SteadyTime now) const {
    if (!is_trusted(now)) return {};
    const std::uint64_t hash = hash_of(key);
    const MemoryShard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    const Node* node = shard.table.find(hash, key);
    return node ? held_by(*node) : HeldKey{};
}

bool MemoryStore::list_some(ListPlace& place, SteadyTime now, std::vector<HeldKey>& out) const {
    if (!is_trusted(now) || place.shard >= shard_count_) return false;
    const MemoryShard& shard = shards_[place.shard];
    const std::scoped_lock lock(shard.mutex);
    const SteadyTime pause_at = steady_now() + step;
    while (place.bucket < shard.table.size()) {
        const Node* node = shard.table.first_in(place.bucket++);
        const bool look_at_clock = node || place.bucket % empty_buckets_max == 0;
        for (; node; node = node->chain)
            if (HeldKey held = held_by(*node); !held.variants.empty())
                out.push_back(std::move(held));
        if (look_at_clock && steady_now() >= pause_at) return true;
    }
    place.bucket = 0;
    return ++place.shard < shard_count_;
}

}  // namespace larder::store
