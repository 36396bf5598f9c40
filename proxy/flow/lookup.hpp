#pragma once
#include <string>

#include "cache/request_outcome.hpp"
#include "cache/stored_response.hpp"
#include "redis/store.hpp"

namespace larder::flow {

struct Exchange;
class Client;

/// What both tiers have for a read. Looked up once, kept in the exchange.
struct Lookup {
    redis::RedisState state = redis::RedisState::ok;
    cache::Stored entry;         ///< null: none that this request can use
    bool soft_purged = false;    ///< `entry` was purged softly: it counts as expired
    bool other_variant = false;  ///< other variants are there
    bool asked =
        false;  ///< `entry` is fresh, but the client's own Cache-Control wants it confirmed
    std::string variant;  ///< as redis::Found
    std::string digest;   ///< of the ids that Redis has shown

    /// Forgets what was found; keeps the memory of the strings.
    void clear() {
        state = redis::RedisState::ok;
        entry.reset();
        soft_purged = other_variant = asked = false;
        variant.clear();
        digest.clear();
    }
};

/// Asks the memory tier, then Redis.
[[nodiscard]] net::Task<Lookup> look_up(Client& client, redis::RedisBudget& budget);

/// Whether this request's fetch answers, or another request's.
enum class FetchRole : std::uint8_t { leads, joins };

/// What a response shows of the lookup, where a fetch answers.
[[nodiscard]] cache::MissedRead missed_read(const Exchange& exchange, FetchRole role);

}  // namespace larder::flow
