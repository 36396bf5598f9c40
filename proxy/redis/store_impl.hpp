#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis/bulk.hpp"
#include "redis/cluster_watch.hpp"
#include "redis/ids.hpp"
#include "redis/index_notes.hpp"
#include "redis/known_until.hpp"
#include "redis/large.hpp"
#include "redis/link.hpp"
#include "redis/maintenance.hpp"
#include "redis/seen_ids.hpp"
#include "redis/sentinel_watch.hpp"
#include "redis/shared.hpp"
#include "redis/store.hpp"
#include "redis/subscriber.hpp"
#include "redis/way.hpp"

namespace larder::redis {

struct EntryLookup;

/// For this directory only. The steps of a read, a lease and a fill, each in its own file.
struct RedisStore::Impl : std::enable_shared_from_this<RedisStore::Impl> {
    Impl(boost::asio::io_context& context, RedisShared& shared, int worker_index);

    boost::asio::io_context& context;
    RedisShared& shared;
    int worker_index;
    std::shared_ptr<RedisLink> own_link;  ///< null: this worker uses another's
    std::shared_ptr<RedisLink> link;      ///< may still be null: see `connected`
    std::shared_ptr<RedisSubscriber> subscriber;
    std::shared_ptr<RedisMaintenance> maintenance;
    std::shared_ptr<RedisBulk> own_bulk;       ///< worker 0's, for all
    std::shared_ptr<ClusterWatch> watch;       ///< worker 0's, in a cluster: has all connections
    std::shared_ptr<SentinelWatch> sentinels;  ///< worker 0's, where the URL names sentinels
    KnownUntil id_lives;  ///< an id that ends earlier (purged, evicted) only makes entries invalid
    KnownUntil guards;    ///< the keys whose guard this worker has made, if it may still stand
    IndexNotes index_notes;  ///< of the fills of the last moment
    SeenIds seen_ids;        ///< of the rule tags and extensions that leases have named
    /// What Redis has acknowledged of an announcement.
    struct Hold {
        SteadyTime until{};             ///< it stands, if Redis was not restarted
        std::uint64_t connections = 0;  ///< see `connections`
    };
    std::unordered_map<std::string, Hold> holds;  ///< by the announcement's token
    const std::shared_ptr<std::atomic<bool>> stopped = std::make_shared<std::atomic<bool>>(false);

    /// The link to use, once its worker has made it.
    RedisLink* connected();
    /// Whether the key's entry may be read.
    [[nodiscard]] bool may_read(std::string_view key);
    [[nodiscard]] bool in_cluster() const { return shared.fleet().is_cluster(); }
    [[nodiscard]] RedisWay way() const { return {shared, link, worker_index}; }
    /// Sends the batch to where its keys are, and waits.
    [[nodiscard]] Task<void> run(const RedisBatchPointer& batch) const { return way().run(batch); }
    /// The server that holds the key.
    [[nodiscard]] RedisNode& node_of(std::string_view key) const {
        return in_cluster() ? shared.node_of(shared.keys().entry(key)) : shared.node();
    }

    /// A batch bound to the server the link leads to now; in a cluster, to servers that may be
    /// read.
    [[nodiscard]] RedisBatchPointer new_batch(SteadyTime deadline, RedisWork work);
    /// A batch that fails where the key's server is not the one of that epoch.
    [[nodiscard]] RedisBatchPointer new_batch_of(std::string_view key, std::uint64_t epoch,
                                                 SteadyTime deadline, RedisWork work);
    [[nodiscard]] Milliseconds timeout() const { return shared.settings().timeout; }

    /// Brings the whole of a large entry whose stub is there and valid; null where it is gone.
    /// False: it would not come, or did not come, within its part of what is left until the
    /// deadline.
    [[nodiscard]] Task<bool> read_large(EntryLookup& lookup, SteadyTime deadline);

    /// A number for the subscribers that Redis tells of the keys that this worker reads; 0: Redis
    /// does not tell of all of them. If two calls give the same number, every read in between was
    /// tracked.
    [[nodiscard]] std::uint64_t heard_by() const;
    /// A number for the servers that the links of this worker lead to, and their data; 0: a link is
    /// not connected.
    [[nodiscard]] std::uint64_t connections() const;
    /// Whether GETEX may be used to look at the key, so that Redis does not note it.
    [[nodiscard]] bool can_look_unnoticed(std::string_view key) {
        return node_of(key).looks_unnoticed();
    }
    /// Whether a whole command may be kept out of what Redis notes (`add_untracked`).
    [[nodiscard]] bool can_leave_untracked() const {
        return !in_cluster() && link && link->can_leave_untracked();
    }
    /// The purge sequence to note before a read: 0 (older than anything) where nobody would hear of
    /// the key's next change.
    [[nodiscard]] std::uint64_t sequence() const;

    /// Frees the lease's lock if it is held with its token, also where the connection has to be
    /// made anew first: others would wait for a fetch that is over. Does not wait.
    void give_back(const Lease& lease, LeaseEnd end);
    /// The same after a try for the lock. `maybe_set`: the try may have set it.
    void give_back_unless_mine(bool maybe_set, const Lease& lease);

    /// Gets or makes the ids that an entry of the lookup's name carries.
    [[nodiscard]] Task<RedisState> make_ids(EntryLookup& lookup, SteadyTime deadline);
    /// Notes the key in the index of an id, soon. `lives`: how long its entry does.
    void note_in_index(std::string_view id, std::string_view key, Milliseconds lives);
    void write_index_notes();
    /// For the next lease (`seen_ids`).
    void remember_ids(const EntryLookup& lookup);
    /// Waits until the news of all purges that Redis has done since the lease has been heard: then
    /// the process's own marks tell as much as Redis would. False: nobody listens, the subscribers
    /// are not those of then, or it takes too long. The lease must outlive the call.
    [[nodiscard]] Task<bool> hear_all(const Lease& lease, SteadyTime deadline);

    /// Whether this process would be told of the end of another instance's fetch.
    [[nodiscard]] bool hears_of_locks() const {
        return shared.fleet().has_subscribers() && !shared.reporter().troubled(RedisWork::news);
    }
    [[nodiscard]] Task<bool> wait_to_be_told(std::shared_ptr<LockWaiters::Waiter> waiter,
                                             std::string key, SteadyTime next);

    void observed(RedisOperation operation, SteadyTime since) const {
        shared.observed(operation, since);
    }
};

RedisState to_state(RedisBatch::Status status);

/// Redis does not note the keys that the next command reads. Only where the link can do it.
inline void add_untracked(RedisCommands& commands) { commands.add("CLIENT", "CACHING", "NO"); }

/// Asks for the guard of a key: where its lease has made it, and where a fill has moved it to.
inline void ask_guard(RedisCommands& commands, const RedisKeys& keys, std::string_view key) {
    commands.add("HGET", keys.guard(key), guard_field);
    commands.add("HMGET", keys.entry(key), guard_field, soft_field);
}
/// Whether the replies to `ask_guard` name this guard. `soft_id`: the entry's soft mark at the
/// lease (a soft purge leaves the entry, and the guard in it).
inline bool guard_stands(const RedisReply* replies, std::string_view guard,
                         std::string_view soft_id) {
    const std::vector<RedisReply>& moved = replies[1].items;
    return (replies[0].is_text() && replies[0].text == guard) ||
           (moved.size() == 2 && moved[0].text == guard && moved[1].text == soft_id);
}

/// One lookup: what is asked for, and what the replies made of it.
struct EntryLookup {
    EntryLookup(const EntryName& name_in, const RedisKeys& keys);

    EntryName name;
    std::string entry_key;             ///< where the entry stands
    std::vector<std::string> id_keys;  ///< where the ids do, in the order of `ids`
    std::string host_variant;
    std::string vary_variant;  ///< the same with what `vary` names, where that is known
    std::uint64_t sequence = 0;
    std::uint64_t everything = 0;  ///< the id that all entries carry; 0: it is asked for
    std::size_t first_reply = 0;   ///< of this lookup in its batch

    std::optional<cache::StoredParts> entry;
    RedisBatchPointer entry_bytes;  ///< the batch whose reply the entry is views into
    std::vector<std::uint32_t> guards;
    std::vector<std::string> vary;  ///< the entry depends on these fields: ask for the variant
    std::vector<std::string>
        ids;  ///< as they are now, of the rule tags and of the bare key; empty: missing
    bool soft_purged = false;
    bool key_absent = false;  ///< nothing of larder's stands under the key
    bool large = false;       ///< the entry's body is elsewhere: see redis/large.hpp
    LargeStub stub;           ///< where, if so
    std::string foreign_id;   ///< the key of an id that is somebody else's; empty: none

    /// Which the entry must be.
    [[nodiscard]] const std::string& variant() const {
        return vary.empty() ? host_variant : vary_variant;
    }
    [[nodiscard]] bool extended() const { return name.bare_size < name.key.size(); }
    [[nodiscard]] std::size_t id_count() const { return id_keys.size(); }

    /// Asks for the entry and for the ids that it must carry. The entry first: a purge between the
    /// two makes a miss.
    void ask(RedisCommands& commands, const RedisKeys& keys, bool with_vary);
    /// Reads the replies. True: `vary` is set, the variant must be asked for.
    bool read(const RedisBatchPointer& batch, bool with_vary);
    /// What only the entry itself told of: its response tags, and rule tags that other instances'
    /// rules gave it.
    [[nodiscard]] bool has_more() const;
    void ask_more(RedisCommands& commands, const RedisKeys& keys) const;
    void read_more(const RedisBatch& batch);
    /// Sets what the memory tier needs. Precondition: there is an entry.
    void set_guards();
    /// Of the ids as they are now; empty: one is missing.
    [[nodiscard]] std::string digest() const;
    /// For a lease.
    [[nodiscard]] KnownIds known_ids() const;

private:
    void read_ids(const RedisReply* replies);
    void check_ids();
    [[nodiscard]] bool is_asked(const cache::TagView& tag) const;
};

/// The part of a key that one lock is for: its Host (as cache::build_variant names it), its sharing
/// and, where it is known, its variant.
std::string lock_part(const EntryName& name, std::string_view host_variant);
/// How the lock that a guard carries names that part: 16 hexadecimal digits.
std::string part_of_lock(std::string_view lock_key);
/// The name of a field of the entry's hash. `kind`: "v:" (a variant) or "vary:" (what the response
/// varies on). Entries that were stored under other rules of sharing stand in other fields: each
/// instance sees its own.
std::string field_of(std::string_view kind, std::string_view sharing, std::string_view variant);

/// Stands in a lock where an id could not be made (a full Redis): its fetch cannot store, but
/// others may wait for it.
inline constexpr std::string_view no_digest = "----------------";

/// Stands behind the token in a lock whose end is to be told (script::watch_lock).
inline constexpr char watched_mark = 'w';

/// Of ids in the order of EntryLookup::ids.
std::string digest_of_ids(std::uint64_t everything, const std::vector<std::string>& ids);

}  // namespace larder::redis
