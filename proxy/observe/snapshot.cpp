#include "observe/snapshot.hpp"

namespace larder::observe {

void SeriesTotals::add(const SeriesTotals& more) {
    duration.add(more.duration);
    for (const auto& [status, requests] : more.statuses) statuses[status] += requests;
}

SeriesTotals PathTotals::total() const {
    SeriesTotals sum;
    for (const auto& [labels, totals] : series) sum.add(totals);
    return sum;
}

SeriesTotals PathTotals::total(cache::XCache word) const {
    SeriesTotals sum;
    for (const auto& [labels, totals] : series)
        if (labels.second == word) sum.add(totals);
    return sum;
}

}  // namespace larder::observe
