#pragma once
#include <string>

#include "cache/request_outcome.hpp"
#include "cache/stored_response.hpp"
#include "redis/store.hpp"

namespace larder::flow {

struct Exchange;
class Client;

/// The result of looking up a read in both tiers. Looked up once, kept in the exchange.
struct Lookup {
    redis::RedisState state = redis::RedisState::ok;
    cache::Stored entry;         ///< null: none that this request can use
    bool soft_purged = false;    ///< `entry` was purged softly: it counts as expired
    bool other_variant = false;  ///< other variants are stored
    bool asked = false;   ///< `entry` is fresh, but the client's Cache-Control demands revalidation
    std::string variant;  ///< as redis::Found
    redis::KnownIds ids;  ///< that Redis has shown
    redis::LeaseHold lease;  ///< taken in place of the lookup in Redis; its lock is to be given
                             ///< back where this request does not fetch

    /// Forgets what was found; keeps the memory of the strings.
    void clear() {
        state = redis::RedisState::ok;
        entry.reset();
        soft_purged = other_variant = asked = false;
        variant.clear();
        ids.clear();
        if (lease.shared()) lease = {};
    }
};

/// Asks the memory tier, then Redis, for the exchange's `lookup`, which is empty before. Where
/// Redis will probably hold nothing, and the request would begin a fetch for all, the fetch's lease
/// is taken in place of the lookup.
[[nodiscard]] net::Task<void> look_up(Client& client, redis::RedisBudget& budget);

/// Whether this request's own fetch answers, or another request's fetch.
enum class FetchRole : std::uint8_t { leads, joins };

/// What the response shows of the lookup when a fetch answers.
[[nodiscard]] cache::MissedRead missed_read(const Exchange& exchange, FetchRole role);

}  // namespace larder::flow
