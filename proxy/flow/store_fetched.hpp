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

std::unique_ptr<cache::Draft> draft_response(FetchTask& task, const origin::Exchange& exchange,
                                             const cache::StoreDecision& decision);

/// The stored response for those who read the fetch; without Redis also what is stored. Sets the
/// guards by which a purge finds it, and shortens its life where a purge is planned that concerns
/// it (store::PlannedPurges).
cache::Stored finish_draft(const FetchTask& task, cache::Draft& draft);

/// Notes what the entry tells about the configuration (`larder advise`). Before it is stored.
void note_finding(const FetchTask& task, const cache::StoredResponse& entry);

/// Stores the response in Redis under the lease, and in the memory tier. `entry`: what finish_draft
/// made of the draft.
net::Task<void> store_entry(FetchTask& task, std::unique_ptr<cache::Draft> draft,
                            cache::Stored entry);

/// Call it if nothing was stored. Frees the lock. If the next answer will probably not be stored
/// either, other requests are told not to wait.
void remember_not_stored(FetchTask& task, cache::Detail reason, int status);

void record_shadow(FetchTask& task, int status);

}  // namespace larder::flow
