#include "observe/histogram.hpp"

#include <doctest/doctest.h>

using namespace larder::observe;

namespace {

template <const auto& scale>
std::size_t bucket_by_search(std::uint64_t value) {
    std::size_t i = 0;
    while (i < scale.bounds_count && value > scale.bound(i)) ++i;
    return i;
}

}  // namespace

TEST_CASE("a value falls into the first bucket whose bound is not below it") {
    for (std::size_t i = 0; i < duration_scale.bounds_count; ++i)
        for (const std::uint64_t value :
             {duration_scale.bound(i) - 1, duration_scale.bound(i), duration_scale.bound(i) + 1}) {
            CAPTURE(value);
            CHECK(duration_scale.bucket_of(value) == bucket_by_search<duration_scale>(value));
        }
    for (int shift = 0; shift < 64; ++shift) {
        const std::uint64_t value = std::uint64_t{1} << shift;
        CHECK(duration_scale.bucket_of(value) == bucket_by_search<duration_scale>(value));
        CHECK(age_scale.bucket_of(value - 1) == bucket_by_search<age_scale>(value - 1));
    }
    CHECK(age_scale.bucket_of(0) == 0);
    CHECK(age_scale.bucket_of(UINT64_MAX) == age_scale.bounds_count);
}

TEST_CASE("a histogram sums what was added, buckets and values") {
    DurationHistogram histogram;
    histogram.add(5'000);
    histogram.add(10'000);
    histogram.add(10'001);
    histogram.add(20'000'000'000);
    DurationTotals totals;
    histogram.add_to(totals);
    histogram.add_to(totals);
    CHECK(totals.buckets[0] == 4);
    CHECK(totals.buckets[1] == 2);
    CHECK(totals.buckets[19] == 2);
    CHECK(totals.count() == 8);
    CHECK(totals.sum == 2 * 20'000'025'001u);
}

TEST_CASE("a quantile is interpolated inside its bucket") {
    DurationTotals totals;
    CHECK(totals.quantile(0.5) == 0);
    totals.buckets[4] = 100;  // 100 us to 250 us
    CHECK(totals.quantile(0.5) == doctest::Approx(175'000));
    CHECK(totals.quantile(1) == doctest::Approx(250'000));
    totals.buckets[19] = 100;  // beyond the last bound
    CHECK(totals.quantile(0.99) == doctest::Approx(10e9));
}

TEST_CASE("what all takes about as long is shown as long as it takes") {
    struct Row {
        std::uint64_t nanoseconds;
        std::uint64_t spread;
    };
    for (const Row& row :
         {Row{10'000, 0}, Row{7'000, 0}, Row{12'000, 1'000}, Row{150'000, 20'000}}) {
        CAPTURE(row.nanoseconds);
        DurationHistogram histogram;
        for (int i = 0; i < 50; ++i) histogram.add(row.nanoseconds - row.spread);
        for (int i = 0; i < 50; ++i) histogram.add(row.nanoseconds + row.spread);
        DurationTotals totals;
        histogram.add_to(totals);
        CHECK(totals.quantile(0.5) == doctest::Approx(static_cast<double>(row.nanoseconds)));
    }
}
