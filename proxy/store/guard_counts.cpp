#include "store/guard_counts.hpp"

namespace larder::store {

void GuardCounts::add(std::uint32_t guard, std::uint64_t sequence) {
    Part& part = part_of(guard);
    const std::scoped_lock lock(part.mutex);
    Count& count = part.counts[guard];
    ++(sequence >= count.position ? count.living : count.purged);
}

void GuardCounts::take(std::uint32_t guard, std::uint64_t sequence) {
    Part& part = part_of(guard);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.counts.find(guard);
    if (found == part.counts.end()) return;
    Count& count = found->second;
    std::uint32_t& number = sequence >= count.position ? count.living : count.purged;
    if (number > 0) --number;
    if (count.living == 0 && count.purged == 0) part.counts.erase(found);
}

void GuardCounts::purged(std::uint32_t guard, std::uint64_t position) {
    Part& part = part_of(guard);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.counts.find(guard);
    if (found == part.counts.end() || found->second.position >= position) return;
    Count& count = found->second;
    count.purged += count.living;
    count.living = 0;
    count.position = position;
}

bool GuardCounts::any(std::uint32_t guard) const {
    const Part& part = part_of(guard);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.counts.find(guard);
    return found != part.counts.end() && found->second.living > 0;
}

}  // namespace larder::store
