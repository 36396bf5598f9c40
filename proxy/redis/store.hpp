#pragma once
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "redis/budget.hpp"
#include "redis/journal.hpp"
#include "redis/task.hpp"
#include "route/route_table.hpp"
#include "settings/settings.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"
#include "store/purge_order.hpp"

namespace larder::redis {

/// Whether Redis answered.
enum class RedisState : std::uint8_t {
    ok,
    down,     ///< known to be away (breaker open, purges pending, not connected): nobody waited
    timeout,  ///< this request waited as long as it may
};

/// Which entry is asked for. The views must outlive the call.
struct EntryName {
    std::string_view key;       ///< without redis.prefix
    std::size_t bare_size = 0;  ///< as route::KeyInfo
    std::span<const std::string>
        tags;  ///< the rule tags it must be valid under (route::collect_tags)
    const http::RequestHead* request = nullptr;  ///< selects the variant
    bool with_host = true;                       ///< the Host is part of the variant
    std::string_view sharing =
        {};  ///< what decides whom an entry may be served to (route::CompiledRoute::sharing):
             ///< entries that were stored under another one are not seen
    std::string_view variant =
        {};  ///< the variant asked for, where that is known: its fetch has a lock of its own
};

struct Found {
    RedisState state = RedisState::ok;
    cache::Stored entry;  ///< null: not there, or not valid. Its guards and sequence are set, ready
                          ///< for the memory tier
    bool soft_purged = false;
    bool too_slow = false;  ///< there, and valid, but too large to come within the budget over this
                            ///< connection: `entry` is null
    bool other_variant = false;  ///< the key is there, for other values of the selecting fields
    std::string variant;  ///< the one that was asked for, where the key's selecting fields are
                          ///< known; else empty
    std::string digest;   ///< of the ids that were current; empty: one of them is missing
};

/// The right to fill a key, taken before a fetch begins.
struct Lease {
    enum class Lock : std::uint8_t {
        mine,         ///< fetch, then fill or release
        theirs,       ///< another instance fetches: wait_for_other, or fetch without the lock
        uncacheable,  ///< the last answer was not storable: fetch at once, do not wait
        none,         ///< no lock was asked for
    };
    RedisState state = RedisState::ok;
    Lock lock = Lock::none;
    std::string
        guard;  ///< the key's generation at the start: the fill stores only while it still holds
    std::string token;     ///< whose lock it is
    std::string lock_key;  ///< as it stands in Redis
    std::vector<cache::TagId>
        tags;  ///< the rule tags' ids (and the bare key's, for an extended key)
    std::uint64_t everything =
        0;                     ///< the id that all entries carry; 0: unknown, nothing can be stored
    std::uint64_t clock = 0;   ///< the purge clock for response tags at the start
    std::string soft_id;       ///< the key's soft-purge mark at the start
    bool entry_there = false;  ///< the key holds entries: one may have come since the lookup
    std::string foreign_key{};   ///< a key that the entry or its bookkeeping needs, and that
                                 ///< somebody else holds; else empty
    std::string foreign_type{};  ///< what Redis says that it is ("string")
    bool too_slow = false;  ///< what is there is fresh, but too large to come in time: the fill
                            ///< leaves it, for other instances, and only the memory tier takes the
                            ///< new one. Set by the caller, from Found
    bool held = false;  ///< a write to it is under way somewhere (RedisStore::announce): nothing
                        ///< may be stored
    std::uint64_t epoch =
        0;  ///< which server gave it: another one may have forgotten a purge since
    std::uint64_t sequence = 0;  ///< the process's own purge sequence at the start

    /// A fill under it can succeed: else the fetch serves its readers only.
    [[nodiscard]] bool can_store() const {
        return state == RedisState::ok && !guard.empty() && !held && everything != 0 &&
               foreign_key.empty();
    }
};

enum class FillOutcome : std::uint8_t {
    stored,
    purged,       ///< a purge overtook the fetch: not stored
    foreign,      ///< the key holds something that is not larder's: left alone
    unavailable,  ///< Redis could not be asked, or had no room
};

class RedisShared;

/// One worker's view of the Redis that all instances share: its entries, leases, tags and purges
/// (proxy/README.md, "Mechanisms"). All calls on the worker's thread. No call throws, fails a
/// request, or waits beyond the request's budget.
class RedisStore {
public:
    /// `shared` is common to all workers of the process: breaker, journal, purge history, tracking.
    /// It must outlive all stores, and all stores are destroyed before the first of their contexts.
    /// Workers count from 0; worker 0's context also runs the subscriber, replays and sweeps.
    RedisStore(boost::asio::io_context& context, RedisShared& shared, int worker_index);
    ~RedisStore();

    /// Any thread. Closes the connections; the context then runs out of this store's work. Calls
    /// under way end as `down`.
    void stop();

    /// Whether a read may be asked at all: connected, breaker closed, no purge pending.
    [[nodiscard]] bool available() const;

    [[nodiscard]] Task<Found> find(EntryName name, RedisBudget& budget);

    /// The variants of a key that Redis holds, valid or not; none where it does not answer.
    [[nodiscard]] Task<std::vector<std::string>> variants(std::string key, RedisBudget& budget);

    /// Begins a fetch: gets or makes the key's guard and the tags' ids; with `lock` also the lock
    /// that makes one fetch of many (one for each key and Host, and for each variant where it is
    /// known).
    struct LeaseWish {
        bool lock = true;
        std::string digest{};  ///< of the ids, as the lookup before has seen them (Found::digest);
                               ///< empty: they are asked for
    };
    [[nodiscard]] Task<Lease> lease(EntryName name, LeaseWish wish, RedisBudget& budget);

    /// Whether no purge of one of the response tags came since the lease: what the fetch brings may
    /// go to those who joined it. Where Redis cannot tell (it had no room for the purge clock, or
    /// has lost a tag) it is true once all purges have been heard of: the process's own marks tell.
    [[nodiscard]] Task<bool> tags_current(Lease lease, std::vector<std::string> tags,
                                          RedisBudget& budget);
    /// Whether no purge, by whatever instance, came since the lease: a later request may join the
    /// fetch. Response tags are not looked at. Where Redis had no room for a guard it is true once
    /// all purges have been heard of: the process's own marks tell.
    [[nodiscard]] Task<bool> still_current(EntryName name, Lease lease, RedisBudget& budget);

    /// How many of the keys and tag patterns are there, for the answer to a purge that is about to
    /// be made. 0 where Redis does not answer.
    [[nodiscard]] Task<std::uint64_t> count_present(route::PurgeSet set, RedisBudget& budget);

    /// Polls until the other's fetch has filled the entry (`entry` set, which the caller judges as
    /// any other), has ended without (neither; the lock is free), or was found uncacheable; at most
    /// until `deadline`.
    struct Waited {
        RedisState state = RedisState::ok;
        cache::Stored entry;
        bool uncacheable = false;
        bool timed_out = false;
    };  // none of them: the lock is free, or is of before a purge
    [[nodiscard]] Task<Waited> wait_for_other(EntryName name, SteadyTime deadline);

    /// Stores the entry under the lease, gives the lock back, and sets what of the entry the store
    /// knows: tags, variant, the ids of `response_tags` (the caller gives the names), soft_id,
    /// guards and sequence, so that the caller may insert it into the memory tier on `stored` with
    /// `tracked` true. Not bound to a request's budget but to redis.timeout; nobody waits for it
    /// but the fetch itself.
    struct Filled {
        FillOutcome outcome = FillOutcome::unavailable;
        bool tracked =
            false;  ///< Redis will tell of the key's next change: the memory tier may take it
    };
    [[nodiscard]] Task<Filled> fill(EntryName name, Lease lease,
                                    boost::intrusive_ptr<cache::StoredResponse> entry);

    /// False: Redis refused the last fill.
    [[nodiscard]] bool stores() const;

    /// Says in the log, once for each key, that somebody else holds a key that the lease needs.
    /// `shown` stands for a key that holds secrets; else it is empty.
    void tell_foreign(const Lease& lease, std::string_view shown);

    /// Gives the lock back without storing; with `uncacheable` others are told not to wait for the
    /// next few seconds. Does not wait.
    void release(const Lease& lease, bool uncacheable);

    /// The fetch makes progress: keeps the lock (5 s) and the guard (60 s) alive. To be called
    /// every second or two. Does not wait.
    void prolong(std::string_view key, const Lease& lease);

    /// Announces that a write is under way which will purge the keys and patterns
    /// (on_purge_failure: fail): they are purged now, and until `purge` with the token's hold,
    /// nothing of them can be found or stored by any instance. To be renewed
    /// (`renew_announcement`) every few seconds; it expires 10 s after the last time. False: Redis
    /// could not be asked.
    [[nodiscard]] Task<bool> announce(std::vector<PurgeItem> items, std::string token,
                                      RedisBudget& budget);
    /// Does not wait.
    void renew_announcement(const std::vector<PurgeItem>& items, const std::string& token);

    /// Purges and waits for the acknowledgement, at most redis.timeout; then the purge is
    /// journalled. The caller has already purged the process's own Generations. `token`: of the
    /// announcement that ends with it, or empty.
    [[nodiscard]] Task<store::PurgeOutcome> purge(store::PurgeOrder order, RedisBudget& budget,
                                                  std::string token = {});

    struct Impl;  ///< for this directory only

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::redis
