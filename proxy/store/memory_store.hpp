#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "route/route_table.hpp"
#include "settings/settings.hpp"
#include "store/generations.hpp"
#include "store/guard_counts.hpp"
#include "store/memory_shard.hpp"
#include "store/scan_patterns.hpp"

namespace larder::store {

/// What the memory tier has for a request.
struct MemoryHit {
    cache::Stored entry;         ///< null: nothing
    bool soft_purged = false;    ///< counts as expired
    bool other_variant = false;  ///< the key is there, for other values of the selecting fields
};

/// What the memory tier must know about how an entry was made.
struct Provenance {
    /// route::CompiledRoute::rules of the route it was fetched or read under.
    std::uint32_t rules = 0;
    /// The purge sequence at which its fetch, or its read, began.
    std::uint64_t began = 0;
    /// So many of the entry's guards, from the first, are the key's and its rule tags'.
    std::size_t rule_guards = 0;
};

/// A key and those of its variants that may be served, newest first.
struct HeldKey {
    std::string key;
    std::vector<cache::Stored> variants;
    bool soft_purged = false;  ///< the newest one counts as expired
};

/// A place in a walk over all keys; see MemoryStore::list_some.
struct ListPlace {
    std::size_t shard = 0;
    std::size_t bucket = 0;
};

/// A walk over all entries, made in small steps; see MemoryStore::sweep_some.
struct Sweep {
    std::vector<ScanPatterns::Pattern> patterns;
    std::shared_ptr<const std::vector<std::uint32_t>> rules;  ///< null: all are in force
    std::size_t shard = 0;
    std::size_t bucket = 0;
};

/// Keeps responses in the process, up to a byte budget, evicting by SIEVE: a hit marks its entry
/// and moves nothing. Sharded; safe to call from every thread; a shard's mutex is held for a
/// lookup, or for a step of the sweep, never across I/O and never while anything is freed.
///
/// With Redis it is a replica that serves only while it is proved honest (see trust_until);
/// without, it is the cache.
///
/// Whatever concerns many entries at once (a purge by a pattern, distrust, new rules) is a mark
/// that lookups respect from then on; MemorySweeper frees what it is about.
class MemoryStore {
public:
    /// `bytes` 0: keeps nothing. `object_bytes`: of the largest object, which is to be kept if
    /// settings::largest_in_memory allows it.
    MemoryStore(std::size_t bytes, Generations& generations, std::size_t object_bytes = 0);
    ~MemoryStore();

    /// Another budget from now on; one thread at a time. A smaller one evicts in small steps. Where
    /// the shards would be too small for it, or for the largest object, there are fewer of them,
    /// and what a shard that is left does not hold is forgotten. A larger one keeps the shards that
    /// there are.
    void resize(std::size_t bytes, std::size_t object_bytes = 0);

    /// Larger bodies may not be taken: what an entry costs beside its body counts too.
    [[nodiscard]] std::size_t largest_object() const {
        return settings::largest_in_memory(shard_bytes_max_.load(std::memory_order_relaxed));
    }

    /// The newest valid variant that answers the request, of those made under `rules`. `with_host`:
    /// the Host is part of the variant. Never allocates for entries without Vary. Nothing once
    /// `trust_until` has passed.
    [[nodiscard]] MemoryHit find(std::string_view key, const http::RequestHead& request,
                                 bool with_host, std::uint32_t rules, SteadyTime now) const;

    /// The variants of a key that may be served, newest first.
    [[nodiscard]] std::vector<std::string> variants(std::string_view key, SteadyTime now) const;
    /// The same with the entries themselves. Counts as no hit.
    [[nodiscard]] HeldKey held(std::string_view key, SteadyTime now) const;
    /// One step of a walk over all keys, 100 us at most with a shard's mutex held: appends the keys
    /// of some buckets and moves the place on. False: the walk is complete. A key that was there
    /// all the time is met at least once.
    bool list_some(ListPlace& place, SteadyTime now, std::vector<HeldKey>& out) const;

    /// Takes the entry unless one of its guards was purged since its fetch began; replaces the same
    /// variant. False: dropped, because of a purge or of its size. Where the entry was made for
    /// another key, or a tier had it already, a copy is taken.
    bool insert(std::string_view key, cache::Stored entry, const Provenance& made);

    /// Puts an entry in the place of one that says the same, of the same key and with the same
    /// guards. False: that one is not there any more, or the other is too large.
    bool replace(std::string_view key, const cache::StoredResponse& old, cache::Stored by);

    /// Drops all variants of a key (memory returns at once; validity is the generations' business).
    /// Whether there were any.
    bool remove(std::string_view key);

    /// Purges every entry whose key matches the glob pattern ('*' only); softly: makes it stale.
    /// What was fetched or read before and comes later is not taken any more.
    void purge_matching(std::string_view pattern, bool soft);

    /// Whether there is anything that a purge of these keys and tag patterns would take out.
    [[nodiscard]] bool holds_any(const route::PurgeSet& set) const;
    /// The extension or tag was purged at this position of the generations: holds_any counts its
    /// entries no more.
    void note_purge(std::uint32_t guard, std::uint64_t position) {
        counts_.purged(guard, position);
    }

    /// From now on these rules are in force (CompiledRoute::rules, in any order). What was made
    /// under others is of no use.
    void keep_rules(std::vector<std::uint32_t> rules);

    /// Whether the entry may be served, as far as purges, what Redis told and what was forgotten
    /// are concerned.
    [[nodiscard]] bool is_current(const cache::StoredResponse& entry) const;
    /// The same of an entry of this key, as far as purges by patterns are concerned too.
    [[nodiscard]] bool may_serve(std::string_view key, const cache::StoredResponse& entry) const;

    /// Redis proved that every invalidation up to now has arrived: serve until then. Without Redis:
    /// SteadyTime::max().
    void trust_until(SteadyTime until);
    /// What is held, or was read from Redis before now, may be outdated although nobody has told:
    /// forgets it.
    void forget();
    /// Tracking was lost: forgets, and serves nothing until trusted again.
    void distrust();

    /// Another process serves in this one's place: serves nothing from now on, whatever trust_until
    /// says.
    void retire();
    /// That process is gone: as distrust() leaves it. What is held or fetched by then is not used
    /// any more.
    void end_retirement();
    [[nodiscard]] bool is_retired() const {
        return trusted_until_.load(std::memory_order_acquire) == retired;
    }

    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::size_t entries() const;
    [[nodiscard]] std::uint64_t evictions() const;

    // ---- for MemorySweeper
    [[nodiscard]] Sweep begin_sweep() const;
    /// One step: frees what may not be served any more, for 100 us at most with a shard's mutex
    /// held. False: the walk is complete.
    bool sweep_some(Sweep& sweep);
    /// Called, on any thread and briefly, when there is something to sweep. Empty: nobody.
    void set_waker(std::function<void()> waker);
    [[nodiscard]] const Generations& generations() const { return generations_; }

private:
    static constexpr std::int64_t retired = INT64_MIN;
    static constexpr std::size_t shards_most = 64;
    void set_trust(std::int64_t until);
    [[nodiscard]] std::shared_ptr<const std::vector<std::uint32_t>> rules() const;
    [[nodiscard]] MemoryShard& shard_of(std::uint64_t hash) const;
    [[nodiscard]] bool is_too_large(std::size_t cost) const {
        return cost > shard_bytes_max_.load(std::memory_order_relaxed) / 2;
    }
    [[nodiscard]] bool keeps_nothing() const {
        return shard_bytes_max_.load(std::memory_order_relaxed) == 0;
    }
    static std::size_t shards_for(std::size_t bytes, std::size_t object_bytes);
    void use_fewer_shards(std::size_t count);
    [[nodiscard]] bool may_take(const cache::StoredResponse& entry, std::uint64_t began) const;
    [[nodiscard]] bool is_trusted(SteadyTime now) const {
        return now.time_since_epoch().count() < trusted_until_.load(std::memory_order_acquire);
    }
    [[nodiscard]] HeldKey held_by(const cache::StoredResponse& newest) const;
    void count(const cache::StoredResponse& entry);
    void uncount(const cache::StoredResponse& entry);
    void drop(MemoryShard& shard, std::uint64_t hash, cache::StoredResponse* entry,
              Garbage& garbage);
    std::size_t drop_key(MemoryShard& shard, cache::StoredResponse* newest, Garbage& garbage);
    void drop_replaced(MemoryShard& shard, std::uint64_t hash, const cache::StoredResponse& newest,
                       Garbage& garbage);
    void evict(MemoryShard& shard, const cache::StoredResponse* spared, Garbage& garbage);
    void sweep_key(MemoryShard& shard, cache::StoredResponse* newest, const Sweep& sweep,
                   Garbage& garbage);
    void wake_sweeper();

    Generations& generations_;
    std::atomic<std::size_t> shard_count_;  ///< of those in use; a power of two
    std::atomic<std::size_t> shard_bytes_max_;
    std::atomic<std::int64_t> trusted_until_{0};
    std::atomic<std::uint64_t> forgotten_{
        0};  ///< entries of an earlier purge sequence are not to be served
    ScanPatterns patterns_;
    GuardCounts counts_;
    std::unique_ptr<MemoryShard[]> shards_;
    mutable std::mutex mutex_;  ///< guards all below
    std::shared_ptr<const std::vector<std::uint32_t>> rules_;
    std::function<void()> waker_;
};

}  // namespace larder::store
