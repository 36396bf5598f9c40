#pragma once
#include <prometheus/metric_family.h>

#include <vector>

#include "observe/snapshot.hpp"

namespace larder::observe {

/// Every metric family of larder, in a fixed order, made of a snapshot. None is ever missing.
/// Counters and gauges have at least one sample: closed label sets (reasons, sources, results)
/// start at zero, so that rates and alerts see the first event. A histogram has samples once
/// something was measured.
[[nodiscard]] std::vector<prometheus::MetricFamily> to_families(const Snapshot& snapshot);

}  // namespace larder::observe
