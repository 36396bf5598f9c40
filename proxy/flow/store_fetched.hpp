#pragma once
#include "flow/origin_exchange.hpp"
#include "flow/run_fetch.hpp"

/// What becomes of a fetched response: the head that readers see, the entry that is kept, what is
/// remembered where it is not. The steps of run_fetch that wait for nothing but the store.
namespace larder::flow {

std::size_t object_bytes_max(const FetchJob& job);

/// Whether another instance's entry may answer those who wait here.
bool usable_by_waiters(const FetchJob& job, const cache::StoredResponse& entry);

/// Whether an error of the origin gives way to the stale entry.
bool answers_stale_instead(const FetchJob& job, int status);

/// Why nothing can be stored in Redis under the job's lease; none: it can.
cache::Detail not_stored_in_redis(FetchJob& job);

store::FetchedHead fetched_head(FetchJob& job, const OriginExchange& exchange,
                                const cache::StoreDecision& decision);

boost::intrusive_ptr<cache::StoredResponse> stored_response(FetchJob& job,
                                                            const OriginExchange& exchange,
                                                            const cache::StoreDecision& decision);

/// Into Redis under the lease, and into the memory tier.
net::Task<void> store_entry(FetchJob& job, boost::intrusive_ptr<cache::StoredResponse> entry);

/// Nothing was stored: frees the lock and, where the next answer will hardly differ, has others not
/// wait for it.
void remember_not_stored(FetchJob& job, cache::Detail reason, int status);

void release_lease(FetchJob& job, bool uncacheable);

void record_shadow(FetchJob& job, int status);

}  // namespace larder::flow
