#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "observe/space_saving.hpp"

namespace larder::observe {

/// The heaviest of several tables together, at most `count`, by value.
[[nodiscard]] std::vector<RankedKey> heaviest(const std::vector<SpaceSaving>& tables,
                                              std::size_t count);

enum class RankBy : std::uint8_t {
    hits,
    misses,
    origin_time,  ///< nanoseconds
    bytes,
    uncached,       ///< GET requests that no read route takes, by the shape of their path
    uncached_time,  ///< nanoseconds that the origin took for them
    count_
};

/// Decides which hits are counted, so that counting costs next to nothing when there are many:
/// every hit below some thousand in a second, and every n-th above, with n times the weight. One
/// thread.
class HitSampler {
public:
    /// The weight of this hit; 0: it is not counted.
    [[nodiscard]] std::uint32_t weight(SteadyTime now) {
        if (--left_ != 0) return 0;
        return next(now);
    }

private:
    static constexpr std::uint32_t samples_in_block = 256;
    static constexpr std::uint32_t every_max = 1024;

    std::uint32_t next(SteadyTime now);

    std::uint32_t every_ = 1;
    std::uint32_t left_ = 1;
    std::uint32_t samples_ = 0;
    SteadyTime block_began_{};
};

/// The heaviest keys of one worker. Only that worker adds; any thread may read.
class KeyRanks {
public:
    static constexpr std::size_t capacity = 512;  ///< keys, for each measure

    struct Use {
        std::string_view key;
        std::string_view route;
        bool hit = false;
        std::uint64_t weight = 1;  ///< of HitSampler; 1 for what is no hit
        std::uint64_t bytes = 0;
        std::chrono::nanoseconds origin_time{0};
    };
    void add(const Use& use);
    /// A GET that no read route takes.
    void add_uncached(std::string_view path, std::uint64_t weight,
                      std::chrono::nanoseconds origin_time);

    [[nodiscard]] SpaceSaving table(RankBy by) const;

    // The worker's own:
    HitSampler sampler;
    HitSampler uncached_sampler;

private:
    mutable std::mutex mutex_;
    std::vector<SpaceSaving> tables_ =
        std::vector<SpaceSaving>(static_cast<std::size_t>(RankBy::count_), SpaceSaving(capacity));
};

/// The path with `{id}` for each segment that looks like the name of one thing: digits, hex digits
/// or a UUID. "/orders/17/lines" is "/orders/{id}/lines".
[[nodiscard]] std::string path_shape(std::string_view path);

}  // namespace larder::observe
