#pragma once
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>

#include "cache/stored_response.hpp"

namespace larder::store {

using cache::StoredResponse;

// All variants of a key stand one behind the other in the key's bucket (TierPlace::chain), the
// newest first. The newest one stands for the key in the list of MemoryShard.

/// The next older variant of the same key; null: none.
StoredResponse* next_variant(const StoredResponse& entry);
/// The newest variant of the key that is next in the bucket; null: none.
StoredResponse* next_key(const StoredResponse& entry);

/// What was taken out of a shard, to be freed once its mutex is free again: declare it before the
/// lock.
class Garbage {
public:
    Garbage() = default;
    ~Garbage();
    Garbage(const Garbage&) = delete;
    Garbage& operator=(const Garbage&) = delete;

    /// Takes over the shard's reference.
    void add(StoredResponse* entry) {
        entry->chain = entries_;
        entries_ = entry;
    }

private:
    StoredResponse* entries_ = nullptr;
};

/// A hash table of entries that grows one bucket after the other (linear hashing), so that no
/// insert moves all of them.
///
/// A walk by bucket numbers from 0 to size() finds every key that was there all the time, even if
/// the table grows on the way: the keys of bucket i then stand in i and in i plus the former width,
/// and the walk comes to both if it had not come to i.
class EntryTable {
public:
    EntryTable() : buckets_(make(first_width)), width_(first_width) {}

    /// The newest variant; null: none.
    [[nodiscard]] StoredResponse* find(std::uint64_t hash, std::string_view key) const {
        for (StoredResponse* entry = bucket_of(hash); entry; entry = entry->chain)
            if (entry->key() == key) return entry;
        return nullptr;
    }
    /// Adds the first variant of a key.
    void add(std::uint64_t hash, StoredResponse* entry);
    /// Adds an entry in front of another variant of its key.
    void add_before(std::uint64_t hash, const StoredResponse* other, StoredResponse* entry);
    /// Puts an entry in the place of another variant of its key.
    void replace(std::uint64_t hash, const StoredResponse* old, StoredResponse* by);
    /// `last`: the key has no other variant.
    void remove(std::uint64_t hash, const StoredResponse* entry, bool last);

    [[nodiscard]] std::size_t size() const { return wider_ ? 2 * width_ : width_; }
    /// The first entry of a bucket: the newest variant of its key.
    [[nodiscard]] StoredResponse* first_in(std::size_t bucket) const;

private:
    struct Free {
        void operator()(StoredResponse** buckets) const { std::free(buckets); }
    };
    using Buckets = std::unique_ptr<StoredResponse*[], Free>;
    static constexpr std::size_t first_width = 64;

    // Zero pages of the kernel: a large table costs nothing before it is used.
    static Buckets make(std::size_t width);
    [[nodiscard]] StoredResponse*& bucket_of(std::uint64_t hash) const {
        const std::size_t narrow = hash & (width_ - 1);
        return narrow < split_ ? wider_[hash & (2 * width_ - 1)] : buckets_[narrow];
    }
    [[nodiscard]] StoredResponse*& link_to(std::uint64_t hash, const StoredResponse* entry) const;
    void grow();

    Buckets buckets_;
    std::size_t width_;      // a power of two
    Buckets wider_;          // while it grows: twice the width, and
    std::size_t split_ = 0;  // the buckets below this one stand there
    std::size_t keys_ = 0;
};

/// A part of the memory tier with a mutex of its own: a table of keys, and one list of the newest
/// variant of each in the order the keys came, for SIEVE. The hand walks from the oldest towards
/// the newest, spares (and unmarks) what was visited and evicts the first that was not, with all
/// its variants. All calls with the mutex held; sums may be read without.
///
/// It holds a reference to each entry, as a plain pointer: an entry's place is a part of it
/// (TierPlace).
struct MemoryShard {
    using List =
        boost::intrusive::list<StoredResponse, boost::intrusive::constant_time_size<false>>;

    mutable std::mutex mutex;
    EntryTable table;
    List keys;                         ///< the oldest first
    List::iterator hand = keys.end();  ///< at the end: it begins with the oldest again
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> entries{0};
    std::atomic<std::uint64_t> evictions{0};

    ~MemoryShard();

    /// Takes over the reference. `newest`: of the key's variants; null: there are none.
    void add(std::uint64_t hash, StoredResponse* newest, StoredResponse* entry);
    /// Puts an entry in the place of another variant of its key. The caller owns the old one.
    void replace(std::uint64_t hash, StoredResponse* old, StoredResponse* by);
    /// Out of the table and the list; the caller owns it.
    void take_out(std::uint64_t hash, StoredResponse* entry);
    /// The newest variant of the next key to evict, never `spared`; null: it is the only one.
    StoredResponse* next_victim(const StoredResponse* spared);

private:
    void take_place(StoredResponse* old, StoredResponse* by);
    void leave_list(StoredResponse* entry);
};

// ---- read on every hit

inline StoredResponse* next_variant(const StoredResponse& entry) {
    return entry.chain && entry.chain->is_older_variant ? entry.chain : nullptr;
}

inline StoredResponse* next_key(const StoredResponse& entry) {
    StoredResponse* next = entry.chain;
    while (next && next->is_older_variant) next = next->chain;
    return next;
}

}  // namespace larder::store
