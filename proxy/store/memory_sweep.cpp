#include <algorithm>
#include <mutex>

#include "base/hash.hpp"
#include "store/memory_store.hpp"

// A walk over all entries that frees what may not be served any more, in small steps.
namespace larder::store {
namespace {

constexpr std::chrono::microseconds sweep_step{100};

}  // namespace

Sweep MemoryStore::begin_sweep() const {
    Sweep sweep;
    sweep.patterns = patterns_.all();
    return sweep;
}

std::shared_ptr<const std::vector<std::uint32_t>> MemoryStore::rules() const {
    const std::scoped_lock lock(mutex_);
    return rules_;
}

bool MemoryStore::sweep_some(Sweep& sweep) {
    // Anew in each step: a reload may have come, and what was made under its rules is to stay.
    sweep.rules = rules();
    MemoryShard& shard = shards_[sweep.shard];
    Garbage garbage;
    const std::scoped_lock lock(shard.mutex);
    const SteadyTime pause_at = steady_now() + sweep_step;
    constexpr std::size_t empty_buckets_max = 64;
    while (sweep.bucket < shard.table.size()) {
        StoredResponse* newest = shard.table.first_in(sweep.bucket++);
        const bool look_at_clock = newest || sweep.bucket % empty_buckets_max == 0;
        while (newest) {
            StoredResponse* following = next_key(*newest);
            sweep_key(shard, newest, sweep, garbage);
            newest = following;
        }
        if (look_at_clock && steady_now() >= pause_at) return true;
    }
    sweep.bucket = 0;
    if (++sweep.shard < shards_most) return true;
    patterns_.remove(sweep.patterns);
    return false;
}

void MemoryStore::sweep_key(MemoryShard& shard, StoredResponse* newest, const Sweep& sweep,
                            Garbage& garbage) {
    const std::string_view key = newest->key();  // of garbage by the end, which is still there
    StoredResponse* older = nullptr;
    for (StoredResponse* entry = newest; entry; entry = older) {
        older = next_variant(*entry);
        const ScanPatterns::Verdict scanned = judge_by(sweep.patterns, key, entry->sequence());
        if (scanned.soft_at != 0)
            generations_.purge_soft_at(Generations::slot_of_key(key), scanned.soft_at);
        const bool in_force = !sweep.rules || std::binary_search(sweep.rules->begin(),
                                                                 sweep.rules->end(), entry->rules);
        if (in_force && !scanned.purged && is_current(*entry)) continue;
        drop(shard, hash_of(key), entry, garbage);
    }
}

}  // namespace larder::store
