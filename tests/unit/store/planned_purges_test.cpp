#include "store/planned_purges.hpp"

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <vector>

using namespace larder;
using namespace larder::store;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{1000s};
constexpr std::array<std::uint32_t, 2> article{7, 8};
constexpr std::array<std::uint32_t, 1> list{9};

}  // namespace

TEST_CASE("what was requested before a planned purge ends with it") {
    PlannedPurges planned;
    CHECK_FALSE(planned.end_of(article, start));
    planned.note(article, start + 2s, start);
    CHECK(planned.end_of(std::span(article).first(1), start) == start + 2s);
    CHECK(planned.end_of(article, start + 1999ms) == start + 2s);
    CHECK_FALSE(planned.end_of(article, start + 2s));
    CHECK_FALSE(planned.end_of(list, start));
}

TEST_CASE("of several planned purges the last one counts") {
    PlannedPurges planned;
    planned.note(article, start + 10s, start);
    planned.note(article, start + 2s, start);
    planned.note(list, start + 20s, start);
    CHECK(planned.end_of(article, start + 3s) == start + 10s);
    const std::array<std::uint32_t, 3> both{7, 9, 11};
    CHECK(planned.end_of(both, start) == start + 20s);
}

TEST_CASE("a slow fetch is ended long after the purge, and then its names are forgotten") {
    PlannedPurges planned;
    planned.note(article, start + 2s, start);
    planned.note(list, start + 61s, start + 60s);
    CHECK(planned.end_of(article, start) == start + 2s);
    planned.note(list, start + 601s, start + 600s);
    CHECK_FALSE(planned.end_of(article, start));
}

TEST_CASE("too many names are one time for all of them") {
    PlannedPurges planned;
    planned.note(article, start + 10s, start);
    std::vector<std::uint32_t> many(100'000);
    std::iota(many.begin(), many.end(), 1000u);
    planned.note(many, start + 2s, start);
    CHECK(planned.end_of(list, start) == start + 10s);
    CHECK(planned.end_of(article, start) == start + 10s);
    // Those that are long over do not count.
    planned.note(article, start + 1000s, start + 999s);
    planned.note(many, start + 1001s, start + 1000s);
    planned.note(list, start + 1100s, start + 1099s);
    CHECK_FALSE(planned.end_of(article, start + 1050s));
    CHECK(planned.end_of(list, start + 1050s) == start + 1100s);
}
