#include "observe/audit_estimate.hpp"

#include <doctest/doctest.h>

#include <random>

using larder::observe::AuditEstimate;
using larder::observe::estimate_audit;

TEST_CASE("nothing compared says nothing") {
    CHECK(estimate_audit(0, 0).wrong_per_million == 0);
    CHECK(estimate_audit(0, 0).at_most_per_million == 1e6);
}

TEST_CASE("the bound is that of Clopper and Pearson") {
    // None of n wrong: 1 - 0.05^(1/n).
    CHECK(estimate_audit(100, 0).at_most_per_million == doctest::Approx(29513.05).epsilon(1e-4));
    CHECK(estimate_audit(1'000'000, 0).at_most_per_million ==
          doctest::Approx(2.9957).epsilon(1e-3));
    CHECK(estimate_audit(10, 1).at_most_per_million == doctest::Approx(394163.2).epsilon(1e-4));
    CHECK(estimate_audit(10, 10).at_most_per_million == 1e6);
    CHECK(estimate_audit(200, 3).wrong_per_million == doctest::Approx(15000));
}

TEST_CASE("it holds in at least 95 of 100 runs") {
    for (const double wrong : {0.001, 0.01, 0.2}) {
        int held = 0;
        for (unsigned seed = 0; seed < 100; ++seed) {
            std::mt19937_64 random(seed);
            std::binomial_distribution<std::uint64_t> draw(2000, wrong);
            held += estimate_audit(2000, draw(random)).at_most_per_million >= wrong * 1e6;
        }
        CHECK(held >= 95);
    }
}
