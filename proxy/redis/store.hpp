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
#include "redis/lease.hpp"
#include "redis/task.hpp"
#include "route/route_table.hpp"
#include "settings/settings.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"
#include "store/purge_order.hpp"

namespace larder::redis {

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
    bool for_memory = true;  ///< what is found may go into the memory tier; else it answers once
};

struct Found {
    RedisState state = RedisState::ok;
    cache::Stored entry;  ///< null: not there, or not valid. Its guards and sequence are set, ready
                          ///< for the memory tier, if it is for that (EntryName::for_memory)
    bool soft_purged = false;
    bool too_slow = false;  ///< there, and valid, but too large to come within the budget over this
                            ///< connection: `entry` is null
    bool other_variant = false;  ///< the key is there, for other values of the selecting fields
    std::string variant;  ///< the one that was asked for, where the key's selecting fields are
                          ///< known; else empty
    std::optional<KnownIds> ids;  ///< that were current, where there is no hit
};

/// A page of the keys that Redis holds entries under.
struct KeyPage {
    RedisState state = RedisState::ok;
    std::vector<std::string> keys;  ///< without redis.prefix
    std::string next;               ///< where to go on; empty: the walk is complete
};

/// One valid variant in Redis.
struct ListedEntry {
    cache::Stored entry;      ///< of a large one the body may be absent
    std::uint64_t bytes = 0;  ///< of the body; of a large one, of the whole as Redis holds it
    bool soft_purged = false;
    bool body_absent = false;
};

/// What Redis holds under some keys, in their order.
struct Listing {
    RedisState state = RedisState::ok;
    std::vector<std::vector<ListedEntry>> entries;
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

    [[nodiscard]] Task<Found> find(EntryName name, RedisBudget& budget);

    /// The variants of a key that Redis holds, valid or not; none where it does not answer.
    [[nodiscard]] Task<std::vector<std::string>> variants(std::string key, RedisBudget& budget);

    /// For people who look at the cache. A step of a walk over all keys that begin with the prefix
    /// (SCAN: a key may come twice). `from`: KeyPage::next of the step before; empty: begin.
    [[nodiscard]] Task<KeyPage> list_keys(std::string from, std::string prefix);
    /// The entries of these keys that may be served.
    [[nodiscard]] Task<Listing> list_entries(std::vector<std::string> keys);

    /// Begins a fetch: gets or makes the key's guard and the tags' ids; with `lock` also the lock
    /// that makes one fetch of many (one for each key and Host, and for each variant where it is
    /// known).
    struct LeaseWish {
        bool lock = true;
        KnownIds ids{};  ///< as the lookup before has seen them (Found::ids); without a digest they
                         ///< are asked for
    };
    [[nodiscard]] Task<Lease> lease(EntryName name, LeaseWish wish, RedisBudget& budget);
    /// The same in place of a lookup, where it is likely that nothing stands under the key: one
    /// round trip in place of two. Its lock is `mine` where nothing stood there, else `none`: then
    /// look the key up. Its token is empty where Redis was not asked, because this worker has made
    /// a guard of the key of late, or has not seen yet the id that all entries carry.
    [[nodiscard]] Task<Lease> lease_absent(EntryName name, RedisBudget& budget);

    /// Whether no purge of one of the response tags came since the lease: what the fetch brings may
    /// go to the requests that joined it. Where Redis cannot tell (it had no room for the purge
    /// clock, or has lost a tag) it is true once all purges have been heard of: the process's own
    /// marks tell.
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
    };  // none of them: the lock is free, or is from before a purge
    [[nodiscard]] Task<Waited> wait_for_other(EntryName name, SteadyTime deadline);

    /// Stores the response under the lease, gives the lock back whatever comes of it, and sets what
    /// of the draft the store knows: tags, variant, the ids of `response_tags` (the caller gives
    /// the names), soft_id, key, guards and sequence, so that the caller may insert what is made of
    /// it into the memory tier on `stored` with `tracked` true. Not bound to a request's budget but
    /// to redis.timeout; nobody waits for it but the fetch itself.
    struct Filled {
        FillOutcome outcome = FillOutcome::unavailable;
        bool tracked =
            false;  ///< Redis will tell of the key's next change: the memory tier may take it
    };
    /// What becomes of an older entry in Redis.
    enum class Older : std::uint8_t {
        replaced,
        left,  ///< it is fresh, but too large to come in time (Found::too_slow): a large one is
               ///< left for other instances, and only the memory tier takes the new one
    };
    [[nodiscard]] Task<Filled> fill(EntryName name, std::shared_ptr<const Lease> shared,
                                    cache::Draft& draft, Older older);

    /// False: Redis refused the last fill.
    [[nodiscard]] bool stores() const;

    /// Says in the log, once for each key, that somebody else holds a key that the lease needs.
    /// `shown` stands for a key that holds secrets; else it is empty.
    void tell_foreign(const Lease& lease, std::string_view shown);

    /// The duty to give the lease's lock back. Its `give_back` does nothing once the store is gone.
    [[nodiscard]] LeaseHold hold(std::shared_ptr<const Lease> lease);

    /// The fetch makes progress: keeps the lock (5 s) and the guard (60 s, or as long as the lock
    /// that it carries) alive. To be called every second or two. Does not wait.
    void prolong(const Lease& lease);

    /// Notes that these names will be purged in `due_in`, and tells the other instances: what any
    /// of them stores until then ends then. Does not wait.
    void plan_purge(const store::PurgeOrder& order, Milliseconds due_in);

    /// Announces that a write is under way which will purge the keys and patterns
    /// (on_purge_failure: fail): they are purged now, and until `purge` with the token's hold,
    /// nothing of them can be found or stored by any instance. To be renewed
    /// (`renew_announcement`) every few seconds; it expires 10 s after the last time. False: Redis
    /// could not be asked.
    [[nodiscard]] Task<bool> announce(std::vector<PurgeItem> items, std::string token,
                                      RedisBudget& budget);
    /// Does not wait.
    void renew_announcement(const std::vector<PurgeItem>& items, const std::string& token);
    /// Whether Redis certainly holds what was announced with the token: it has acknowledged that
    /// less than 9 s ago, and no connection was lost since, as it is where Redis is restarted.
    [[nodiscard]] bool holds(const std::string& token) const;

    /// Purges and waits for the acknowledgement, at most redis.timeout; then the purge is
    /// journalled. The caller has already purged the process's own Generations. `token`: of the
    /// announcement that ends with it, or empty.
    [[nodiscard]] Task<store::PurgeOutcome> purge(store::PurgeOrder order, RedisBudget& budget,
                                                  std::string token = {});

    struct Impl;  ///< for this directory only

private:
    std::shared_ptr<Impl> impl_;  ///< the store's own; a LeaseHold has a weak pointer to it
};

}  // namespace larder::redis
