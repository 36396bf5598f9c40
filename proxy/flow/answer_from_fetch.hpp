#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// The result of waiting for a fetch.
enum class FetchAnswer : std::uint8_t {
    sent,     ///< the client got a response or an error
    alone,    ///< the result is not for this request, which has to ask the origin itself
    variant,  ///< the result is another variant: try again for the right one
    purged,   ///< a tag of the result was purged since its fetch began: try again
    failed,   ///< the joined fetch failed: one of the waiting requests tries again for all
};

/// A request's part in a fetch.
struct FetchPart {
    store::FetchPtr fetch;
    FetchRole role = FetchRole::leads;
    redis::RedisBudget* budget = nullptr;  ///< of the caller; set for a request that has joined
    bool retried = false;  ///< the previous fetch that it joined failed: do not try again
};

/// Waits for the fetch and sends its result.
[[nodiscard]] net::Task<FetchAnswer> answer_from_fetch(Client& client, FetchPart part);

/// Whether a request that has joined the fetch may use its result. Call it when the head is there,
/// because the response tags are known only then. False: one of the tags was purged since the fetch
/// began, here or by another instance.
[[nodiscard]] net::Task<bool> tags_current(Client& client, store::FetchPtr fetch,
                                           redis::RedisBudget& budget);

}  // namespace larder::flow
