#pragma once
#include <memory>
#include <string>
#include <vector>

#include "flow/forward_heads.hpp"
#include "flow/read_plan.hpp"

namespace larder::flow {

/// All that a fetch needs when the client that began it may leave. Its destructor ends the fetch
/// for those who read from it where that has not happened, takes it from the board and gives the
/// lease back.
struct FetchTask {
    FetchTask(Client& client, store::FetchDuty duty_in);
    FetchTask(const FetchTask&) = delete;
    FetchTask& operator=(const FetchTask&) = delete;

    Services& services;
    store::FetchDuty duty;
    store::FetchPtr fetch;  ///< the duty's
    std::shared_ptr<const Config> config;
    OwnedRequest request;
    ReadPlan plan;
    std::string key;
    route::KeyInfo key_info;
    std::vector<std::string> tags;
    Sender sender;
    cache::Stored stale;        ///< to be confirmed by the origin; null: nothing was there
    bool soft_purged = false;   ///< `stale` was purged softly
    cache::Stored would_serve;  ///< shadow mode: what the cache would have answered
    bool shadow = false;
    bool shared = true;  ///< on the board: others may have joined, other instances wait
    std::string
        variant;  ///< the variant that is fetched, where it is known before: its lock is its own
    std::string digest;  ///< of the ids that the lookup has seen (redis::Found::digest)
    redis::RedisBudget budget;
    redis::LeaseHold lease;
    net::Deadline prolong_at;  ///< when the lease is prolonged next

    /// HEAD for a stale entry goes on as HEAD, and its answer may update the entry (RFC
    /// 9111, 4.3.5).
    [[nodiscard]] bool asks_head() const {
        return request.head().method == http::Method::head && stale;
    }
    [[nodiscard]] redis::EntryName name() const {
        return {
            key,    key_info.bare_size, tags, &request.head(), plan.with_host, plan.route->sharing,
            variant};
    }
    [[nodiscard]] observe::PathId path_id() const { return config->path_ids[plan.route->index]; }
};

/// Starts the fetch as a coroutine of its own: lease, origin, readers, store.
void start_fetch(std::unique_ptr<FetchTask> task);

}  // namespace larder::flow
