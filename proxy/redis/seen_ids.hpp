#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "base/hash.hpp"

namespace larder::redis {

/// The ids that stood under some names when they were read last, so that a lease can name them
/// before it has asked for them. They may be outdated: whoever uses one must ask too. A few
/// thousand are remembered, of the 1,024 ids that all entries of a cluster carry
/// (RedisKeys::everything) nearly each. One thread.
class SeenIds {
public:
    /// The unchanging part of the id (hard_part); empty: not remembered.
    [[nodiscard]] std::string_view of(std::string_view key) const {
        const std::uint64_t name = hash_of(key);
        for (const Seen& seen : sets_[name % sets_.size()])
            if (seen.name == name && seen.id[0] != '\0') return {seen.id.data(), seen.id.size()};
        return {};
    }
    /// `hard_part`: of 16 digits; another one is forgotten.
    void note(std::string_view key, std::string_view hard_part) {
        const std::uint64_t name = hash_of(key);
        Set& set = sets_[name % sets_.size()];
        auto place = std::find_if(set.begin(), set.end(),
                                  [&](const Seen& seen) { return seen.name == name; });
        // In the place of the one that was noted longest ago.
        if (place == set.end()) place = std::prev(place);
        std::rotate(set.begin(), place, std::next(place));
        set.front() = {name, {}};
        if (hard_part.size() == set.front().id.size())
            hard_part.copy(set.front().id.data(), set.front().id.size());
    }

private:
    struct Seen {
        std::uint64_t name = 0;
        std::array<char, 16> id{};
    };
    using Set = std::array<Seen, 4>;
    std::array<Set, 1024> sets_{};
};

}  // namespace larder::redis
