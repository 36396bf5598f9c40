#include "origin/address_set.hpp"

#include <algorithm>

namespace larder::origin {
namespace {

constexpr std::size_t addresses_max = 256;

bool holds(const std::vector<Endpoint>& list, const Endpoint& endpoint) {
    return std::find(list.begin(), list.end(), endpoint) != list.end();
}

}  // namespace

AddressChange merge_addresses(const std::vector<Endpoint>& known,
                              const std::vector<Endpoint>& found) {
    AddressChange change;
    if (found.empty()) {
        change.now = known;
        return change;
    }
    for (const Endpoint& endpoint : known)
        (holds(found, endpoint) ? change.now : change.gone).push_back(endpoint);
    for (const Endpoint& endpoint : found) {
        if (change.now.size() >= addresses_max) break;
        if (holds(change.now, endpoint)) continue;
        change.now.push_back(endpoint);
        change.added.push_back(endpoint);
    }
    return change;
}

}  // namespace larder::origin
