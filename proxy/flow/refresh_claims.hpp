#pragma once
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace larder::flow {

/// Entries whose refresh a hit of this worker has started (`refresh_ahead`), so that no entry is
/// refreshed twice: where the refresh fails, the entry lives on to its end. Belongs to one worker.
/// Fixed in size; a collision only forgets an entry.
class RefreshClaims {
public:
    /// True the first time for an entry. `hash`: of its key and variant.
    bool claim(std::uint64_t hash, WallTime received_at) {
        Slot& slot = slots_[hash % slots_.size()];
        if (slot.hash == hash && slot.received_at == received_at) return false;
        slot = {hash, received_at};
        return true;
    }

private:
    struct Slot {
        std::uint64_t hash = 0;
        WallTime received_at{};
    };
    std::vector<Slot> slots_ = std::vector<Slot>(1024);
};

}  // namespace larder::flow
