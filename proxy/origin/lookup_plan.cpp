#include "origin/lookup_plan.hpp"

#include <algorithm>

namespace larder::origin {

void LookupPlan::begin(SteadyTime now) {
    under_way_ = true;
    demanded_ = false;
    began_ = now;
}

void LookupPlan::end(SteadyTime now, bool answered) {
    under_way_ = false;
    due_ = now + (answered ? interval_ : std::min(interval_, after_failure));
    if (demanded_) due_ = std::min(due_, began_ + pause_min);
    due_ = std::max(due_, began_ + pause_min);
}

void LookupPlan::demand() {
    demanded_ = true;
    // Before the first lookup there is none to keep a distance from.
    if (began_ != SteadyTime{}) due_ = std::min(due_, began_ + pause_min);
}

}  // namespace larder::origin
