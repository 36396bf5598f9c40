#include "observe/audit_estimate.hpp"

#include <cmath>

namespace larder::observe {
namespace {

constexpr double confidence = 0.95;
constexpr double million = 1e6;

// The continued fraction of the incomplete beta function (Lentz's method).
double beta_fraction(double a, double b, double x) {
    constexpr double tiny = 1e-300;
    constexpr int steps_max = 10'000;
    const auto away_from_zero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double out = d;
    for (int m = 1; m <= steps_max; ++m) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        out *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        out *= d * c;
        if (std::abs(d * c - 1) < 1e-12) break;
    }
    return out;
}

// The regularised incomplete beta function.
double beta_share(double a, double b, double x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                  a * std::log(x) + b * std::log1p(-x));
    const bool swap = x > (a + 1) / (a + b + 2);
    return swap ? 1 - front * beta_fraction(b, a, 1 - x) / b : front * beta_fraction(a, b, x) / a;
}

}  // namespace

AuditEstimate estimate_audit(std::uint64_t compared, std::uint64_t wrong) {
    AuditEstimate out;
    if (compared == 0) return out;
    const auto all = static_cast<double>(compared);
    const auto bad = static_cast<double>(wrong);
    out.wrong_per_million = bad / all * million;
    if (wrong >= compared) return out;
    double low = bad / all;
    double high = 1;
    constexpr int halvings = 60;
    for (int i = 0; i < halvings; ++i) {
        const double middle = (low + high) / 2;
        (beta_share(bad + 1, all - bad, middle) < confidence ? low : high) = middle;
    }
    out.at_most_per_million = high * million;
    return out;
}

}  // namespace larder::observe
