#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/hash.hpp"

namespace larder::redis {

/// Until when something is known of ids, so that a fill need not ask Redis for it each time. A few
/// hundred ids are remembered; of the others nothing is known. One thread.
class KnownUntil {
public:
    [[nodiscard]] bool holds(std::string_view id, SteadyTime until) const {
        const std::uint64_t name = name_of(id);
        const Known& known = known_[name % known_.size()];
        return known.name == name && known.until >= until;
    }
    void note(std::string_view id, SteadyTime until) {
        const std::uint64_t name = name_of(id);
        known_[name % known_.size()] = {name, until};
    }

private:
    struct Known {
        std::uint64_t name = 0;
        SteadyTime until{};
    };
    static std::uint64_t name_of(std::string_view id) { return hash_of(id); }

    std::array<Known, 512> known_{};
};

}  // namespace larder::redis
