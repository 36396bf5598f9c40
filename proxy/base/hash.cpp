#include "base/hash.hpp"

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace larder {
namespace {

const std::uint64_t seed = [] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
}();

}  // namespace

std::uint64_t hash_of(std::string_view text) {
    return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

}  // namespace larder
