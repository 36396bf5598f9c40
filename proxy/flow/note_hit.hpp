#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// What happens behind an answer from the cache, where the route asks for it: compressing
/// (`compress`) and comparing with the origin (`audit`). `form`: what of the entry is sent.
void note_hit(Client& client, const cache::Stored& entry, const cache::StoredResponse& form);

/// Whether the route asks for any of it.
inline bool notes_hits(const settings::Route& rule) {
    return rule.audit > 0 || !rule.compress->empty();
}

}  // namespace larder::flow
