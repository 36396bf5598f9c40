#include "observe/space_saving.hpp"

namespace larder::observe {

void SpaceSaving::add(std::string_view key, std::string_view route, std::uint64_t weight) {
    const auto known = keys_.find(key);
    if (known != keys_.end()) {
        keys_.modify(known, [weight](RankedKey& ranked) { ranked.value += weight; });
        return;
    }
    if (keys_.size() < capacity_) {
        keys_.insert({std::string(key), std::string(route), weight, 0});
        return;
    }
    const auto lightest = keys_.get<1>().begin();
    keys_.get<1>().modify(lightest, [&](RankedKey& ranked) {
        ranked.key.assign(key);
        ranked.route.assign(route);
        ranked.error = ranked.value;
        ranked.value += weight;
    });
}

std::vector<RankedKey> SpaceSaving::all() const {
    return {keys_.get<1>().begin(), keys_.get<1>().end()};
}

std::uint64_t SpaceSaving::weight_of_others() const {
    return keys_.size() < capacity_ ? 0 : keys_.get<1>().begin()->value;
}

}  // namespace larder::observe
