#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "redis/slots.hpp"

namespace larder::redis {

/// A hash tag for each slot of a cluster, so that a key can be put where it is wanted: "{1234}".
class SlotNames {
public:
    SlotNames() {
        int named = 0;
        for (std::uint32_t number = 1; named < slots_all; ++number) {
            std::uint32_t& place = numbers_[slot_of(std::to_string(number))];
            if (place != 0) continue;
            place = number;
            ++named;
        }
    }
    [[nodiscard]] std::string of(int slot) const {
        return "{" + std::to_string(numbers_[static_cast<std::size_t>(slot)]) + "}";
    }

private:
    std::array<std::uint32_t, slots_all> numbers_{};
};

}  // namespace larder::redis
