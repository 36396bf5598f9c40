#include "origin/connect_order.hpp"

#include <algorithm>

namespace larder::origin {

std::vector<std::size_t> connect_order(const std::vector<Candidate>& candidates,
                                       std::size_t first) {
    std::vector<std::size_t> order;
    if (candidates.empty()) return order;
    order.push_back(first);
    // The rest follows in turn from the first one on, so that the failures of one address do not
    // all burden the same other address.
    std::vector<std::size_t> rest;
    for (std::size_t i = 1; i < candidates.size(); ++i)
        rest.push_back((first + i) % candidates.size());
    bool last_v6 = candidates[first].v6;
    for (bool usable : {true, false}) {
        while (order.size() < attempts_max) {
            const auto fits = [&](std::size_t i) { return candidates[i].usable == usable; };
            const auto alternates = [&](std::size_t i) {
                return fits(i) && candidates[i].v6 != last_v6;
            };
            auto next = std::find_if(rest.begin(), rest.end(), alternates);
            if (next == rest.end()) next = std::find_if(rest.begin(), rest.end(), fits);
            if (next == rest.end()) break;
            last_v6 = candidates[*next].v6;
            order.push_back(*next);
            rest.erase(next);
        }
    }
    return order;
}

ConnectRace::Step ConnectRace::next(SteadyTime now) {
    const bool may_start = started_ < attempts_ && now < give_up_;
    if (may_start && (under_way_ == 0 || now >= next_start_)) {
        ++under_way_;
        next_start_ = now + attempt_delay;
        return {Step::Kind::start, started_++, {}};
    }
    if (under_way_ == 0) return {};
    return {Step::Kind::wait, 0, may_start ? next_start_ : SteadyTime::max()};
}

void ConnectRace::accepted(SteadyTime now) {
    next_start_ = std::max(next_start_, now + handshake_delay);
}

void ConnectRace::failed() {
    --under_way_;
    next_start_ = SteadyTime::min();
}

}  // namespace larder::origin
