#pragma once
#include <cstdint>
#include <string_view>

namespace larder {

/// A fast hash with a random seed, chosen at start: a client cannot construct keys that all fall
/// into one bucket. The values differ from run to run, so never store them.
std::uint64_t hash_of(std::string_view text);

}  // namespace larder
