#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// The work in the background that a hit starts if its route asks for it: compressing
/// (`compress`) and comparing with the origin (`audit`). `form`: what of the entry is sent.
void note_hit(Client& client, const cache::Stored& entry, const cache::StoredResponse& form);

/// Whether the route asks for any of it.
inline bool notes_hits(const settings::Route& rule) {
    return rule.audit > 0 || !rule.compress->empty();
}

}  // namespace larder::flow
