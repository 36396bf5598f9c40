#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cache/outcome.hpp"
#include "http/message.hpp"

/// The closed sets of label values, each an enum with the word that the metrics show.
namespace larder::observe {

inline constexpr std::size_t x_cache_count = static_cast<std::size_t>(cache::XCache::count_);
inline constexpr std::size_t detail_count = static_cast<std::size_t>(cache::Detail::count_);

/// Registered methods (RFC 9110, 16.1.1, and PATCH) are told apart, all others are one.
inline constexpr std::size_t method_class_count = 15;
constexpr std::size_t method_class(http::Method method) {
    const auto index = static_cast<std::size_t>(method);
    return index < method_class_count ? index : method_class_count - 1;
}
static_assert(static_cast<std::size_t>(http::Method::purge) == method_class_count - 1,
              "PURGE is not registered");

/// "GET", ..., "other".
std::string_view method_word(std::size_t method_class);

/// How what a route in shadow mode would have served compares with what the origin answered.
enum class ShadowResult : std::uint8_t { match, mismatch, miss, count_ };

/// How a hit that was compared with the origin's answer came out (`audit`).
enum class AuditResult : std::uint8_t { same, different, failed, count_ };

/// Who asked for a purge.
enum class PurgeSource : std::uint8_t {
    write,       ///< a write that went through: its rule's purges and its own URL
    purge,       ///< the PURGE method
    api,         ///< POST /purge of the admin server
    stream,      ///< an entry of redis.purge_stream
    fastly,      ///< a call of Fastly's API at the admin server
    cloudflare,  ///< a call of Cloudflare's API at the admin server
    count_
};

/// Why a request to an origin server gave no usable response.
enum class OriginFailure : std::uint8_t {
    resolve,  ///< the name has no address
    connect,  ///< refused or unreachable
    connect_timeout,
    tls,               ///< handshake or verification
    response_timeout,  ///< no first byte in time
    idle_timeout,      ///< the body stopped coming
    closed,            ///< the connection ended before the message did
    malformed,         ///< what came is not HTTP that can be framed with certainty
    count_
};

enum class RedisOperation : std::uint8_t {
    read,   ///< an entry and what proves it valid
    lease,  ///< asking for, prolonging or giving up a fill's lease
    fill,   ///< storing
    purge,
    wait,  ///< waiting for another instance's fetch
    count_
};

/// As redis::RedisError, which explains them; in its order.
enum class RedisFailure : std::uint8_t {
    connect,
    connect_timeout,
    resolve,
    tls,
    closed,
    timeout,
    protocol,
    overload,
    oom,
    misconf,
    noreplicas,
    readonly,
    loading,
    masterdown,
    noperm,
    wrongpass,
    noauth,
    max_clients,
    protected_mode,
    database,
    busy,
    cluster,
    unknown_command,
    wrong_type,
    other_data,
    sentinel,
    reply,
    count_
};

std::string_view to_word(ShadowResult result);
std::string_view to_word(AuditResult result);
std::string_view to_word(PurgeSource source);
std::string_view to_word(OriginFailure failure);
std::string_view to_word(RedisOperation operation);
std::string_view to_word(RedisFailure failure);

}  // namespace larder::observe
