#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace larder::flow {

/// Keys under which nothing is stored and whose last two responses could not be, remembered for two
/// seconds. Their requests go straight to the origin, because it does not help them to wait for a
/// fetch. One such response is not enough: a single exception must not cost later hits. Belongs to
/// one worker. Fixed in size; a collision only forgets a key.
class UncacheableKeys {
public:
    void remember(std::uint64_t hash, std::uint64_t sequence, SteadyTime now) {
        const bool again = slot(hash).hash == hash && now < slot(hash).until;
        slot(hash) = {hash, sequence, now + lasts, again};
        until_ = std::max(until_, now + lasts);
    }
    void forget(std::uint64_t hash) {
        if (slot(hash).hash == hash) slot(hash) = {};
    }
    /// No key is remembered: what most requests find.
    [[nodiscard]] bool is_empty(SteadyTime now) const { return now >= until_; }
    /// The purge sequence at which the key was remembered; null: it is not remembered.
    [[nodiscard]] const std::uint64_t* find(std::uint64_t hash, SteadyTime now) const {
        const Slot& found = slots_[hash % slots_.size()];
        return found.hash == hash && found.again && now < found.until ? &found.sequence : nullptr;
    }

private:
    struct Slot {
        std::uint64_t hash = 0;
        std::uint64_t sequence = 0;
        SteadyTime until{};
        bool again = false;  ///< it was remembered twice in a row
    };
    static constexpr std::chrono::seconds lasts{2};
    Slot& slot(std::uint64_t hash) { return slots_[hash % slots_.size()]; }
    std::vector<Slot> slots_ = std::vector<Slot>(4096);
    SteadyTime until_{};  ///< of all slots
};

}  // namespace larder::flow
