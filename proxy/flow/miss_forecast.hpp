#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::flow {

/// Tells from the last lookups in Redis whether the next one of a route will probably find nothing:
/// then its fetch begins without a lookup. A wrong guess costs about twice what a right one saves,
/// so it takes many misses to outweigh a hit. Routes may share a place. Belongs to one worker.
class MissForecast {
public:
    [[nodiscard]] bool expects_miss(std::size_t route) const {
        return places_[place(route)] >= sure;
    }
    /// Of a request that would have begun with its fetch: whether nothing stood in Redis.
    void note(std::size_t route, bool missed) {
        std::uint8_t& misses = places_[place(route)];
        if (missed) misses = std::min<std::uint8_t>(misses + 1, most);
        if (!missed) misses = misses > hit_outweighs ? misses - hit_outweighs : 0;
    }

private:
    static constexpr std::uint8_t sure = 16;
    static constexpr std::uint8_t most = 32;
    static constexpr std::uint8_t hit_outweighs = 8;
    static std::size_t place(std::size_t route) { return route % places; }
    static constexpr std::size_t places = 256;
    std::array<std::uint8_t, places> places_{};
};

}  // namespace larder::flow
