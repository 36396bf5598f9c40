#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/store_impl.hpp"

/// For this directory only: the steps of a lease (lease.cpp), and what they send
/// (lease_commands.cpp).
namespace larder::redis {

constexpr Milliseconds guard_lifetime = std::chrono::seconds(60);
constexpr Milliseconds lock_lifetime =
    std::chrono::seconds(5);  // so that a dead instance's lock is soon free

/// What a lock is: the guard and the ids (their digest) under which it was taken, and whose it is.
/// Under a key of its own it names its fetch's token. The guard that a fetch has made carries its
/// lock, and names there what the lock is for (part_of_lock).
[[nodiscard]] std::string lock_value(std::string_view guard, std::string_view digest,
                                     std::string_view token_or_part);

/// What is known before a try at guard and lock, and is learned from it.
struct Attempt {
    EntryLookup lookup;
    std::string digest;     ///< of the ids as they were seen last
    std::string dead;       ///< the lock that is to be replaced; empty: none is known to be dead
    bool asks = true;       ///< for the ids; not where the lookup before has seen them
    bool set_lock = false;  ///< a plain try has put the lock there, whatever came of it
};

/// A try with plain commands, which cost Redis a tenth of the script. It succeeds where nothing
/// stands there, as it mostly is where the lookup has found nothing under the key: the guard, which
/// carries the lock, is made where it is missing, and then the key is looked at. A lock under a key
/// of its own is dead where its guard does not stand, so nobody needs to look for one. The lock
/// names the ids before they are known to stand there: the try makes those that are missing, and
/// then looks.
struct PlainTry {
    std::string guard;                ///< the new one; with a lock the lease's token
    std::string lock{};               ///< what it carries, where a lock is wanted
    std::vector<std::size_t> made{};  ///< ids that are set where they are missing
    std::vector<std::size_t> read{};  ///< ids that are asked for
    bool reads_everything = false;    ///< the id that all entries carry is asked for
    bool untracked = false;           ///< Redis is not to note that the key was looked at
    std::size_t set_reply = 0;        ///< place of the guard's reply in the batch
    std::size_t lock_reply = 0;       ///< of the lock's, where one is wanted
    std::size_t look_reply = 0;       ///< of the look at the key
};

/// Adds the commands that get or make the ids that an entry of this name carries, and the id of all
/// entries where it is unknown.
void add_ids(RedisCommands& commands, const RedisKeys& keys, const EntryLookup& lookup);
/// Their replies. An id that is missing (a full Redis), or somebody else's, is empty.
void read_made_ids(EntryLookup& lookup, const RedisReply* replies);

/// A try by script::lease, which decides in one step whatever stands there. `unnoticed`: by GETEX.
void add_scripted_try(RedisCommands& commands, const RedisKeys& keys, const Attempt& attempt,
                      const Lease& lease, bool unnoticed);
/// False: the lock was taken under other ids than the caller knows, so another try is due.
[[nodiscard]] bool read_scripted_try(Attempt& attempt, const RedisReply* replies, Lease& lease);

/// Chooses the ids of a plain try: those that a lookup has found missing are new ones. `guard`:
/// that it is to make.
[[nodiscard]] PlainTry plain_after_lookup(Attempt& attempt, std::string guard);
/// The same without a lookup before: the ids are those that were seen last, or new ones. Nothing
/// where the id that all entries carry is not known: it is not made here.
[[nodiscard]] std::optional<PlainTry> plain_without_lookup(Attempt& attempt, std::string guard,
                                                           const RedisKeys& keys,
                                                           const SeenIds& seen);
void add_plain_try(RedisCommands& commands, const RedisKeys& keys, const Attempt& attempt,
                   const Lease& lease, PlainTry& plain);
/// False: something stands there, or other ids do, and the script must decide. `attempt.dead` has
/// it replace the lock that this try has set.
[[nodiscard]] bool read_plain_try(Attempt& attempt, const RedisReply* replies,
                                  const PlainTry& plain, Lease& lease);

/// Copies the ids into the lease. If one is missing the lease gets none, because the entry could
/// not be stored without it.
void take_ids(const EntryLookup& lookup, Lease& lease);

}  // namespace larder::redis
