#pragma once
#include <cstdint>
#include <string_view>

namespace larder {

/// XXH3-64 without a seed: the same everywhere, for what is kept. By the widest vectors that the
/// processor has, which pays from a few hundred bytes on.
[[nodiscard]] std::uint64_t checksum_of(std::string_view bytes);

}  // namespace larder
