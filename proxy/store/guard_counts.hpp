#pragma once
#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace larder::store {

/// How many entries the memory tier holds under each extension and rule tag, so that a purge by one
/// of them can say at once whether there was anything. Entries that were purged stay in memory for
/// a while: they do not count. Safe from every thread; each call takes one mutex for a lookup.
class GuardCounts {
public:
    /// An entry of this purge sequence was taken into the tier, or has left it.
    void add(std::uint32_t guard, std::uint64_t sequence);
    void take(std::uint32_t guard, std::uint64_t sequence);

    /// What was taken in before this position is purged.
    void purged(std::uint32_t guard, std::uint64_t position);

    [[nodiscard]] bool any(std::uint32_t guard) const;

private:
    struct Count {
        std::uint32_t living = 0;
        std::uint32_t purged = 0;    // still in memory; the record stays as long as one is
        std::uint64_t position = 0;  // of the last purge
    };
    struct Part {
        mutable std::mutex mutex;
        std::unordered_map<std::uint32_t, Count> counts;
    };
    // Many parts, because a map that grows moves all that it holds under its mutex. The high bits
    // name the part, the low ones are the map's own.
    static constexpr int part_bits = 9;
    [[nodiscard]] Part& part_of(std::uint32_t guard) { return parts_[guard >> (32 - part_bits)]; }
    [[nodiscard]] const Part& part_of(std::uint32_t guard) const {
        return parts_[guard >> (32 - part_bits)];
    }

    std::array<Part, 1u << part_bits> parts_;
};

}  // namespace larder::store
