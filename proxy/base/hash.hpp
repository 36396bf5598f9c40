#pragma once
#include <cstdint>
#include <string_view>

namespace larder {

/// A fast hash with a seed chosen at start, so that nobody outside can aim at one bucket. Not for
/// storage.
std::uint64_t hash_of(std::string_view text);

}  // namespace larder
