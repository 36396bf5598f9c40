#include <mutex>

#include "base/hash.hpp"
#include "store/memory_store.hpp"

// What the memory tier holds, for people who look at it.
namespace larder::store {
namespace {

constexpr std::chrono::microseconds step{100};
constexpr std::size_t empty_buckets_max = 64;

}  // namespace

HeldKey MemoryStore::held_by(const StoredResponse& newest) const {
    HeldKey held;
    const std::string_view key = newest.key();
    for (const StoredResponse* entry = &newest; entry; entry = next_variant(*entry)) {
        if (!may_serve(key, *entry)) continue;
        if (held.variants.empty())
            held.soft_purged = generations_.soft_purged(entry->guards(), entry->sequence()) ||
                               patterns_.judge(key, entry->sequence()).soft_at != 0;
        held.variants.emplace_back(entry);
    }
    if (!held.variants.empty()) held.key = key;
    return held;
}

HeldKey MemoryStore::held(std::string_view key, SteadyTime now) const {
    if (!is_trusted(now)) return {};
    const std::uint64_t hash = hash_of(key);
    const MemoryShard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    const StoredResponse* newest = shard.table.find(hash, key);
    return newest ? held_by(*newest) : HeldKey{};
}

bool MemoryStore::list_some(ListPlace& place, SteadyTime now, std::vector<HeldKey>& out) const {
    if (!is_trusted(now) || place.shard >= shard_count_) return false;
    const MemoryShard& shard = shards_[place.shard];
    const std::scoped_lock lock(shard.mutex);
    const SteadyTime pause_at = steady_now() + step;
    while (place.bucket < shard.table.size()) {
        const StoredResponse* newest = shard.table.first_in(place.bucket++);
        const bool look_at_clock = newest || place.bucket % empty_buckets_max == 0;
        for (; newest; newest = next_key(*newest))
            if (HeldKey held = held_by(*newest); !held.variants.empty())
                out.push_back(std::move(held));
        if (look_at_clock && steady_now() >= pause_at) return true;
    }
    place.bucket = 0;
    return ++place.shard < shard_count_;
}

}  // namespace larder::store
