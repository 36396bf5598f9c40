#pragma once
#include <memory>
#include <string>
#include <vector>

#include "flow/forward_heads.hpp"
#include "flow/read_plan.hpp"

namespace larder::flow {

/// Everything that a fetch needs, because the client that began it may leave. The destructor ends
/// the fetch for its readers if that has not happened, takes it from the board and gives the lease
/// back.
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
    route::Captures captures;  ///< of the request's path; views into `request`
    std::string key;
    route::KeyInfo key_info;
    std::vector<std::string> tags;
    Sender sender;
    std::string request_id;
    cache::Stored stale;        ///< the origin is asked to confirm it; null: nothing was stored
    bool soft_purged = false;   ///< `stale` was purged softly
    bool has_entries = false;   ///< something is stored under the key, if only other variants
    cache::Stored would_serve;  ///< shadow mode: what the cache would have answered
    bool shadow = false;
    bool shared = true;   ///< on the board: other requests may join, other instances wait
    std::string variant;  ///< the variant that is fetched, if known; each variant has its own lock
    redis::KnownIds ids;  ///< that the lookup saw (redis::Found::ids)
    redis::RedisBudget budget;
    redis::LeaseHold lease;
    bool too_slow = false;     ///< what Redis holds is fresh, but too large to come in time
    net::Deadline prolong_at;  ///< when the lease is prolonged next

    /// HEAD for a stale entry is forwarded as HEAD, and the answer may update the entry (RFC 9111,
    /// 4.3.5).
    [[nodiscard]] bool asks_head() const {
        return request.head().method == http::Method::head && stale;
    }
    [[nodiscard]] redis::EntryName name() const {
        return {
            key,    key_info.bare_size, tags, &request.head(), plan.with_host, plan.route->sharing,
            variant};
    }
    [[nodiscard]] const std::shared_ptr<origin::Upstream>& upstream() const {
        return config->upstream_of(plan.route);
    }
    [[nodiscard]] observe::PathId path_id() const { return config->path_ids[plan.route->index]; }
};

/// Starts the fetch as its own coroutine: lease, origin, readers, store.
void start_fetch(std::unique_ptr<FetchTask> task);

/// The same for a fetch that no client waits for: whoever is answered from the cache now is
/// answered first.
void start_fetch_aside(std::unique_ptr<FetchTask> task);

}  // namespace larder::flow
