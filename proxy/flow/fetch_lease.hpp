#pragma once
#include "flow/run_fetch.hpp"

/// The lease of a fetch (redis::Lease): how it is taken, and kept while the origin is slow.
namespace larder::flow {

/// Takes the right to fetch, or waits for the instance that has it. False: the fetch of another
/// instance brought the answer. Sets when the lease is prolonged.
[[nodiscard]] net::Task<bool> take_lease(FetchTask& task);

/// Keeps the lease alive. `owner`: the FetchTask, whose `prolong_at` has come.
void prolong_lease(void* owner);

/// Whether the entry found makes the fetch unnecessary. If there was a stale entry, the found one
/// must be newer.
[[nodiscard]] bool answers_fetch(const FetchTask& task, const cache::StoredResponse& entry,
                                 bool soft_purged);

}  // namespace larder::flow
