#pragma once
#include <cstdint>
#include <string_view>

/// Where a key stands in a Redis Cluster. Pure.
namespace larder::redis {

inline constexpr int slots_all = 16384;

/// The slot of a key: CRC16 of what stands between the first '{' and the next '}', or of the whole
/// key where there is no such pair or nothing in it.
[[nodiscard]] std::uint16_t slot_of(std::string_view key);

/// Slots in groups of equal size, so that a set of them fits into one word.
inline constexpr int slot_groups = 64;
[[nodiscard]] constexpr int group_of_slot(int slot) { return slot / (slots_all / slot_groups); }
using SlotGroups = std::uint64_t;
inline constexpr SlotGroups all_groups = ~SlotGroups{0};
[[nodiscard]] constexpr SlotGroups bit_of_group(int group) { return SlotGroups{1} << group; }

}  // namespace larder::redis
