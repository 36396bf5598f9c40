#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "base/hash.hpp"

namespace larder::redis {

/// The ids that stood under some names when they were read last, so that a lease can name them
/// before it has asked for them. They may be outdated: whoever uses one must ask too. A few hundred
/// are remembered. One thread.
class SeenIds {
public:
    /// The unchanging part of the id (hard_part); empty: not remembered.
    [[nodiscard]] std::string_view of(std::string_view key) const {
        const std::uint64_t name = hash_of(key);
        const Seen& seen = seen_[name % seen_.size()];
        if (seen.name != name || seen.id[0] == '\0') return {};
        return {seen.id.data(), seen.id.size()};
    }
    /// `hard_part`: of 16 digits; another one is forgotten.
    void note(std::string_view key, std::string_view hard_part) {
        const std::uint64_t name = hash_of(key);
        Seen& seen = seen_[name % seen_.size()];
        seen = {name, {}};
        if (hard_part.size() == seen.id.size()) hard_part.copy(seen.id.data(), seen.id.size());
    }

private:
    struct Seen {
        std::uint64_t name = 0;
        std::array<char, 16> id{};
    };
    std::array<Seen, 2048> seen_{};
};

}  // namespace larder::redis
