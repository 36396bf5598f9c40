#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

/// Counters and histograms with one writing thread and any number of readers. Nothing here takes a
/// lock or needs a locked instruction: the writer loads and stores relaxed, a reader sees each
/// number whole and never going backwards.
namespace larder::observe {

class Count {
public:
    /// Only from the thread that owns it.
    void add(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// Upper bounds of buckets, inclusive as Prometheus has them (`le`), ascending, with at most one
/// bound for each power of two: a value's bit width then names the only bound it needs to be
/// compared with, and a bucket is found without a loop.
template <std::size_t N>
class BucketScale {
public:
    static constexpr std::size_t bounds_count = N;

    consteval explicit BucketScale(const std::array<std::uint64_t, N>& bounds) {
        for (std::size_t i = 0; i < N; ++i) {
            bounds_[i] = bounds[i];
            if (i > 0 && std::bit_width(bounds[i]) <= std::bit_width(bounds[i - 1]))
                throw "two bounds in one power of two";
        }
        bounds_[N] = UINT64_MAX;
        for (std::size_t width = 0; width <= 64; ++width) {
            std::uint8_t smaller = 0;
            for (std::size_t i = 0; i < N; ++i)
                if (static_cast<std::size_t>(std::bit_width(bounds[i])) < width) ++smaller;
            first_[width] = smaller;
        }
    }

    /// Index of the first bound not below the value; N where it is above all of them.
    [[nodiscard]] constexpr std::size_t bucket_of(std::uint64_t value) const {
        const std::size_t candidate = first_[static_cast<std::size_t>(std::bit_width(value))];
        return candidate + static_cast<std::size_t>(value > bounds_[candidate]);
    }

    [[nodiscard]] constexpr std::uint64_t bound(std::size_t index) const { return bounds_[index]; }

private:
    std::array<std::uint64_t, N + 1> bounds_{};
    std::array<std::uint8_t, 65> first_{};
};

/// Durations in nanoseconds: 10 us to 10 s. A hit in memory takes some 10 us.
inline constexpr BucketScale<19> duration_scale{std::array<std::uint64_t, 19>{
    10'000, 20'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000,
    25'000'000, 50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000,
    5'000'000'000, 10'000'000'000}};

/// Ages in seconds: 1 s to 7 days.
inline constexpr BucketScale<12> age_scale{
    std::array<std::uint64_t, 12>{1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21'600, 86'400, 604'800}};

/// A histogram's figures as read: plain numbers, not cumulative. The last bucket counts the values
/// above every bound.
template <const auto& scale>
struct HistogramTotals {
    std::array<std::uint64_t, scale.bounds_count + 1> buckets{};
    std::uint64_t sum = 0;  ///< in the scale's unit

    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t total = 0;
        for (const std::uint64_t bucket : buckets) total += bucket;
        return total;
    }

    void add(const HistogramTotals& more) {
        for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += more.buckets[i];
        sum += more.sum;
    }

    /// The value below which the share `q` (0 to 1) lies, interpolated inside its bucket; the
    /// highest bound where the value is above it; 0 where there are no values. Where one bucket
    /// holds all values, they are assumed to lie evenly around their mean.
    [[nodiscard]] double quantile(double q) const {
        const std::uint64_t total = count();
        if (total == 0) return 0;
        const double rank = q * static_cast<double>(total);
        double below = 0;
        for (std::size_t i = 0; i < scale.bounds_count; ++i) {
            const auto in_bucket = static_cast<double>(buckets[i]);
            if (in_bucket > 0 && below + in_bucket >= rank) {
                double low = i == 0 ? 0 : static_cast<double>(scale.bound(i - 1));
                double high = static_cast<double>(scale.bound(i));
                const double mean = static_cast<double>(sum) / static_cast<double>(total);
                if (buckets[i] == total && mean >= low && mean <= high) {
                    const double reach = std::min(mean - low, high - mean);
                    low = mean - reach;
                    high = mean + reach;
                }
                return low + (high - low) * (rank - below) / in_bucket;
            }
            below += in_bucket;
        }
        return static_cast<double>(scale.bound(scale.bounds_count - 1));
    }
};

using DurationTotals = HistogramTotals<duration_scale>;
using AgeTotals = HistogramTotals<age_scale>;

template <const auto& scale>
class Histogram {
public:
    /// Only from the thread that owns it.
    void add(std::uint64_t value) {
        buckets_[scale.bucket_of(value)].add();
        sum_.add(value);
    }

    void add_to(HistogramTotals<scale>& totals) const {
        for (std::size_t i = 0; i < buckets_.size(); ++i) totals.buckets[i] += buckets_[i].get();
        totals.sum += sum_.get();
    }

private:
    std::array<Count, scale.bounds_count + 1> buckets_;
    Count sum_;
};

using DurationHistogram = Histogram<duration_scale>;
using AgeHistogram = Histogram<age_scale>;

}  // namespace larder::observe
