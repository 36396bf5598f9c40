#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// What came of waiting for a fetch.
enum class FetchAnswer : std::uint8_t {
    sent,     ///< answered, well or with an error
    alone,    ///< the result is not for this request: it has to ask the origin by itself
    variant,  ///< the result is another variant: try again for one's own
    purged,   ///< a tag of the result was purged since its fetch began: try again
    failed,   ///< the fetch it joined failed: one of those who waited tries again for all
};

/// A request's part in a fetch.
struct FetchPart {
    store::FetchPtr fetch;
    FetchRole role = FetchRole::leads;
    redis::RedisBudget* budget = nullptr;  ///< the caller's, of a request that has joined
    bool retried = false;  ///< the fetch that it joined before has failed: no further try
};

/// Waits for the fetch and sends what it brings.
[[nodiscard]] net::Task<FetchAnswer> answer_from_fetch(Client& client, FetchPart part);

/// For a request that has joined a fetch whose head is there: response tags are known only then,
/// and a purge of one since the fetch began, here or by another instance, forbids its result.
[[nodiscard]] net::Task<bool> tags_current(Client& client, store::FetchPtr fetch,
                                           redis::RedisBudget& budget);

}  // namespace larder::flow
