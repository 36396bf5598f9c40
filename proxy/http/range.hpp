#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace larder::http {

/// One range-spec of a request (RFC 9110, 14.1.1): `first-last`, `first-` (last is UINT64_MAX) or
/// `-suffix`.
struct RangeSpec {
    bool is_suffix = false;
    std::uint64_t first = 0;  ///< for a suffix: its length
    std::uint64_t last = UINT64_MAX;
};

inline constexpr std::size_t range_specs_max = 64;

/// Parses the value of a Range field with the unit bytes (14.2). std::nullopt means to ignore the
/// field: it has another unit, wrong syntax or more than range_specs_max ranges. Positions beyond
/// 64 bits become UINT64_MAX.
std::optional<std::vector<RangeSpec>> parse_byte_ranges(std::string_view value);

}  // namespace larder::http
