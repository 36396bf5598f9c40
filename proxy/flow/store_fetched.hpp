#pragma once
#include "cache/storable.hpp"
#include "flow/origin_results.hpp"
#include "flow/run_fetch.hpp"

/// What becomes of a fetched response: the head that readers see, the entry that is kept, what is
/// remembered where it is not. The steps of run_fetch that wait for nothing but the store.
namespace larder::flow {

std::size_t object_bytes_max(const FetchTask& task);

/// Whether another instance's entry may answer those who wait here.
bool usable_by_waiters(const FetchTask& task, const cache::StoredResponse& entry);

/// Whether an error of the origin gives way to the stale entry.
bool answers_stale_instead(const FetchTask& task, int status);

/// Why nothing can be stored in Redis under the task's lease; none: it can.
cache::Detail not_stored_in_redis(FetchTask& task);

store::FetchedHead fetched_head(FetchTask& task, const origin::Exchange& exchange,
                                const cache::StoreDecision& decision);

boost::intrusive_ptr<cache::StoredResponse> stored_response(FetchTask& task,
                                                            const origin::Exchange& exchange,
                                                            const cache::StoreDecision& decision);

/// Into Redis under the lease, and into the memory tier.
net::Task<void> store_entry(FetchTask& task, boost::intrusive_ptr<cache::StoredResponse> entry);

/// Nothing was stored: frees the lock and, where the next answer will hardly differ, has others not
/// wait for it.
void remember_not_stored(FetchTask& task, cache::Detail reason, int status);

void record_shadow(FetchTask& task, int status);

}  // namespace larder::flow
