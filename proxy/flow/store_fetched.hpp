#pragma once
#include "cache/storable.hpp"
#include "flow/origin_results.hpp"
#include "flow/run_fetch.hpp"

/// What is done with a fetched response: the head that readers see, the entry that is stored, the
/// note if it is not stored. These steps of run_fetch wait only for the store.
namespace larder::flow {

std::size_t object_bytes_max(const FetchTask& task);

/// Whether another instance's entry may answer the requests that wait here.
bool usable_by_waiters(const FetchTask& task, const cache::StoredResponse& entry);

/// Whether the stale entry is the answer instead of the origin's error.
bool answers_stale_instead(const FetchTask& task, int status);

/// Why nothing can be stored in Redis under the task's lease; none: storing is possible.
cache::Detail not_stored_in_redis(FetchTask& task);

store::FetchedHead fetched_head(FetchTask& task, const origin::Exchange& exchange,
                                const cache::StoreDecision& decision);

boost::intrusive_ptr<cache::StoredResponse> stored_response(FetchTask& task,
                                                            const origin::Exchange& exchange,
                                                            const cache::StoreDecision& decision);

/// Shortens the entry's life where a purge is planned that concerns it (store::PlannedPurges). Call
/// it before anyone else has the entry.
void end_before_planned_purge(const FetchTask& task, cache::StoredResponse& entry);

/// Notes what the entry tells about the configuration (`larder advise`). Before it is stored.
void note_finding(const FetchTask& task, const cache::StoredResponse& entry);

/// Stores the entry in Redis under the lease, and in the memory tier.
net::Task<void> store_entry(FetchTask& task, boost::intrusive_ptr<cache::StoredResponse> entry);

/// Call it if nothing was stored. Frees the lock. If the next answer will probably not be stored
/// either, other requests are told not to wait.
void remember_not_stored(FetchTask& task, cache::Detail reason, int status);

void record_shadow(FetchTask& task, int status);

}  // namespace larder::flow
