#pragma once
#include <cstdint>

namespace larder::observe {

/// What audited hits say about all hits (`audit`).
struct AuditEstimate {
    double wrong_per_million = 0;  ///< the share of wrong ones among those compared
    /// With 95 % confidence, no more hits than these are wrong (Clopper and Pearson, one-sided).
    /// The bound is exact, so it holds for few comparisons too. A million where nothing was
    /// compared.
    double at_most_per_million = 1e6;
};

AuditEstimate estimate_audit(std::uint64_t compared, std::uint64_t wrong);

}  // namespace larder::observe
