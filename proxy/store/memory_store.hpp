#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "store/generations.hpp"

namespace larder::store {

/// What the memory tier has for a request.
struct MemoryHit {
    cache::Stored entry;       ///< null: nothing
    bool soft_purged = false;  ///< counts as expired
    bool other_variant = false;  ///< the key is there, for other values of the selecting fields
};

/// Keeps responses in the process, up to a byte budget, evicting by SIEVE: a hit marks its entry and moves nothing.
/// Sharded; safe to call from every thread; a shard's mutex is held for a lookup only, never across I/O.
///
/// With Redis it is a replica that serves only while it is proved honest (see trust_until); without, it is the cache.
class MemoryStore {
public:
    /// `bytes` 0: keeps nothing.
    MemoryStore(std::size_t bytes, Generations& generations);
    ~MemoryStore();

    /// The newest valid variant that answers the request. `with_host`: the Host is part of the variant. Never allocates
    /// for entries without Vary. Nothing once `trust_until` has passed.
    [[nodiscard]] MemoryHit find(std::string_view key, const http::RequestHead& request, bool with_host, SteadyTime now) const;

    /// The variants of a key that may be served, newest first.
    [[nodiscard]] std::vector<std::string> variants(std::string_view key, SteadyTime now) const;

    /// Takes the entry (its `guards` and `sequence` are set) unless one of its guards was purged since; replaces the same
    /// variant. False: dropped, because of a purge or of its size.
    bool insert(std::string_view key, cache::Stored entry);

    /// Drops all variants of a key (memory returns at once; validity is the generations' business). Whether there were any.
    bool remove(std::string_view key);

    /// Drops every entry whose key matches the glob pattern ('*' only), and purges their keys' slots. Walks all entries.
    std::size_t remove_matching(std::string_view pattern);
    /// Makes them stale instead (Generations::soft_purged).
    void purge_matching_softly(std::string_view pattern);

    void clear();

    /// Whether the entry may be served, as far as purges, what Redis told and what was forgotten are concerned.
    [[nodiscard]] bool is_current(const cache::StoredResponse& entry) const;

    /// Redis proved that every invalidation up to now has arrived: serve until then. Without Redis: SteadyTime::max().
    void trust_until(SteadyTime until);
    /// What is held, or was read from Redis before now, may be outdated without anybody telling: forgets it.
    void forget();
    /// Tracking was lost: forgets, and serves nothing until trusted again.
    void distrust();

    /// Another process serves in this one's place: serves nothing from now on, whatever trust_until says.
    void retire();
    /// That process is gone: as distrust() leaves it. What is held or fetched by then is not used any more.
    void end_retirement();
    [[nodiscard]] bool is_retired() const { return trusted_until_.load(std::memory_order_acquire) == retired; }

    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::size_t entries() const;
    [[nodiscard]] std::uint64_t evictions() const;

private:
    struct Shard;
    static constexpr std::int64_t retired = INT64_MIN;
    void set_trust(std::int64_t until);
    [[nodiscard]] Shard& shard_of(std::uint64_t hash) const;

    Generations& generations_;
    std::size_t shard_count_;  ///< a power of two
    std::size_t shard_bytes_max_;
    std::atomic<std::int64_t> trusted_until_{0};
    std::atomic<std::uint64_t> forgotten_{0};  ///< entries of an earlier purge sequence are not to be served
    std::unique_ptr<Shard[]> shards_;
};

/// Whether a glob pattern of literal bytes and '*' (any run, the empty one included) matches the whole text.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace larder::store
