#pragma once
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <string>
#include <string_view>

/// Why Redis did not do what it was asked for, and what helps. Pure.
namespace larder::redis {

/// The reasons that metrics and logs tell apart.
enum class RedisError : std::uint8_t {
    // of the connection
    connect,          ///< refused or unreachable
    connect_timeout,  ///< no connection, or no answer to the first commands, in time
    resolve,          ///< the name has no address
    tls,              ///< the handshake failed, or the certificate is not trusted
    closed,           ///< a connection in use was lost
    timeout,          ///< no answer within redis.timeout
    protocol,         ///< what came is not Redis' protocol
    overload,         ///< more commands waiting than allowed
    // what the server says
    oom,              ///< full, and may not evict
    misconf,          ///< takes no writes because its snapshots fail
    noreplicas,       ///< takes no writes because too few replicas are there
    readonly,         ///< a replica
    loading,          ///< still reading its data
    masterdown,       ///< a replica whose master is away
    noperm,           ///< the user lacks a right
    wrongpass,        ///< wrong password or user
    noauth,           ///< a password is needed
    max_clients,      ///< has as many clients as it allows
    protected_mode,   ///< takes connections from its own host only
    database,         ///< there is no such database
    busy,             ///< a script of somebody's takes too long
    cluster,          ///< a cluster's node, spoken to as a single server
    unknown_command,  ///< a command is not there: renamed, or not offered
    wrong_type,       ///< a key holds something of another type: an application's
    other_data,       ///< the server has taken over another one's data
    sentinel,         ///< a sentinel does not say where the master is
    reply,            ///< any other error
    count_
};
/// As in larder_redis_errors_total{reason}.
[[nodiscard]] std::string_view to_word(RedisError reason);

/// Of an error reply's text. Also of the older form in which a script's error is quoted.
[[nodiscard]] RedisError classify_reply(std::string_view text);
/// An error reply that says that Redis does not run a script by its digest: EVAL may work.
[[nodiscard]] bool refuses_digest(std::string_view text);
/// Of a failed connection.
[[nodiscard]] RedisError classify_error(const boost::system::error_code& error);

/// An error reply's text, fit for a log: in one line, bounded, and without the arguments that Redis
/// quotes, which may be secrets.
[[nodiscard]] std::string shown_reply(std::string_view text);

/// What a remedy needs to know.
struct RefusalContext {
    RedisError reason = RedisError::reply;
    std::string_view text;
    std::string_view command;  ///< "INFO"; may be empty
    std::string_view user;     ///< of redis.url; may be empty
    std::string_view prefix;   ///< redis.prefix
};
/// One sentence, without a full stop, that says what to do.
[[nodiscard]] std::string remedy_for(const RefusalContext& context);

}  // namespace larder::redis
