#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/planned_purges.hpp"

namespace larder::store {

/// When each key and tag was last purged, as positions in one process-wide sequence of purges.
///
/// A name is hashed to a number, and the number's low bits are its slot. Two names that share a
/// slot only invalidate each other too often, never too seldom. What was fetched, or read from
/// Redis, notes the sequence before it began and the slots it depends on; it is valid as long as no
/// slot has a later position. So one store invalidates any number of entries, a fetch under way
/// included, and nothing has to be remembered for names that nobody asks for. Safe to call from
/// every thread; never waits, never allocates.
class Generations {
public:
    static constexpr std::uint32_t slot_count = 1u << 20;  ///< a power of two

    Generations();

    // The numbers below have all 32 bits, of which the tables use the low ones: GuardCounts tells
    // names apart by the whole.
    [[nodiscard]] static std::uint32_t slot_of_key(std::string_view key);
    /// The slot of "every key that extends this one with an appended query".
    [[nodiscard]] static std::uint32_t slot_of_extensions(std::string_view bare_key);
    [[nodiscard]] static std::uint32_t slot_of_tag(std::string_view tag);
    /// The slot of a response tag (Surrogate-Key and the like): another name space than rule tags.
    [[nodiscard]] static std::uint32_t slot_of_response_tag(std::string_view tag);

    /// The present end of the sequence: note it before a fetch or a read begins.
    [[nodiscard]] std::uint64_t now() const { return sequence_.load(std::memory_order_acquire); }

    /// The position of this purge: what began at it, or later, is valid.
    std::uint64_t purge(std::uint32_t slot) { return raise(at(hard_, slot)); }
    std::uint64_t purge_soft(std::uint32_t slot) { return raise(at(soft_, slot)); }
    /// The same for a purge whose position is known already: what began at it, or later, is not
    /// concerned.
    void purge_soft_at(std::uint32_t slot, std::uint64_t position) {
        raise_to(at(soft_, slot), position);
    }
    /// Redis said that the key behind the slot changed: by a purge of another instance, a fill, an
    /// eviction, a new tag id. What was read from Redis before is outdated; a fetch under way need
    /// not be, its lease tells.
    void note_change(std::uint32_t slot) { raise(at(changed_, slot)); }
    void purge_all() { raise(all_); }
    /// A purge is about to look for entries by their keys. It would miss what was fetched or read
    /// before and is not stored yet, so that must not be stored any more. Gives the position of the
    /// purge.
    std::uint64_t begin_scan() { return raise(scanned_); }
    [[nodiscard]] bool may_store(std::uint64_t since) const {
        return scanned_.load(std::memory_order_acquire) <= since;
    }

    /// A new position that nothing noted before has.
    std::uint64_t advance() { return sequence_.fetch_add(1, std::memory_order_acq_rel) + 1; }

    /// What will be purged again soon. Apart from the tables: it waits and allocates.
    [[nodiscard]] PlannedPurges& planned() { return planned_; }
    [[nodiscard]] const PlannedPurges& planned() const { return planned_; }

    [[nodiscard]] bool valid(std::span<const std::uint32_t> slots, std::uint64_t since) const {
        bool good = all_.load(std::memory_order_acquire) <= since;
        for (const std::uint32_t slot : slots)
            good &= at(hard_, slot).load(std::memory_order_acquire) <= since;
        return good;
    }
    /// Neither purged nor changed: a replica of what Redis holds is still right.
    [[nodiscard]] bool unchanged(std::span<const std::uint32_t> slots, std::uint64_t since) const {
        bool good = valid(slots, since);
        for (const std::uint32_t slot : slots)
            good &= at(changed_, slot).load(std::memory_order_acquire) <= since;
        return good;
    }
    [[nodiscard]] bool soft_purged(std::span<const std::uint32_t> slots,
                                   std::uint64_t since) const {
        bool purged = false;
        for (const std::uint32_t slot : slots)
            purged |= at(soft_, slot).load(std::memory_order_acquire) > since;
        return purged;
    }

private:
    using Table = std::unique_ptr<std::atomic<std::uint64_t>[], void (*)(void*)>;

    static std::atomic<std::uint64_t>& at(const Table& table, std::uint32_t slot) {
        return table[slot & (slot_count - 1)];
    }

    std::uint64_t raise(std::atomic<std::uint64_t>& slot) {
        const std::uint64_t position = advance();
        raise_to(slot, position);
        return position;
    }

    // Two purges of one slot may meet: the later position must stay.
    static void raise_to(std::atomic<std::uint64_t>& slot, std::uint64_t position) {
        std::uint64_t seen = slot.load(std::memory_order_relaxed);
        while (seen < position &&
               !slot.compare_exchange_weak(seen, position, std::memory_order_acq_rel)) {
        }
    }

    std::atomic<std::uint64_t> sequence_{0};
    std::atomic<std::uint64_t> all_{0};
    std::atomic<std::uint64_t> scanned_{0};
    Table hard_;
    Table soft_;
    Table changed_;
    PlannedPurges planned_;
};

/// What a fetch or an entry depends on.
struct Guards {
    std::uint64_t sequence = 0;
    std::vector<std::uint32_t> slots;
};

/// The slots of a key (`bare_size` as in route::KeyInfo) and its rule tags; the key's own is the
/// first.
std::vector<std::uint32_t> guard_slots(std::string_view key, std::size_t bare_size,
                                       std::span<const std::string> tags);
/// How many these are.
inline std::size_t guard_count(std::string_view key, std::size_t bare_size, std::size_t tags) {
    return 1 + (bare_size < key.size() ? 1 : 0) + tags;
}

}  // namespace larder::store
