#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace larder::http {

/// One range-spec as asked for (RFC 9110, 14.1.1): `first-last`, `first-` (last is UINT64_MAX) or
/// `-suffix`.
struct RangeSpec {
    bool is_suffix = false;
    std::uint64_t first = 0;  ///< of a suffix: its length
    std::uint64_t last = UINT64_MAX;
};

inline constexpr std::size_t range_specs_max = 64;

/// The value of a Range field in bytes (14.2). Nothing where the unit is another, the syntax is
/// wrong, or there are more than range_specs_max: such a field is ignored. Positions saturate.
std::optional<std::vector<RangeSpec>> parse_byte_ranges(std::string_view value);

}  // namespace larder::http
