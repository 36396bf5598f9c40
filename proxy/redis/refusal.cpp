#include "redis/refusal.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <utility>

#include "base/text.hpp"

namespace larder::redis {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(RedisError::count_)> words{
    "connect",        "connect-timeout", "resolve", "tls",       "closed",          "timeout",
    "protocol",       "overload",        "oom",     "misconf",   "noreplicas",      "readonly",
    "loading",        "masterdown",      "noperm",  "wrongpass", "noauth",          "max-clients",
    "protected-mode", "database",        "busy",    "cluster",   "unknown-command", "wrong-type",
    "other-data",     "sentinel",        "reply"};

struct Code {
    std::string_view word;
    RedisError reason;
};
constexpr std::array<Code, 19> codes{{{"OOM", RedisError::oom},
                                      {"MISCONF", RedisError::misconf},
                                      {"NOREPLICAS", RedisError::noreplicas},
                                      {"READONLY", RedisError::readonly},
                                      {"LOADING", RedisError::loading},
                                      {"MASTERDOWN", RedisError::masterdown},
                                      {"NOPERM", RedisError::noperm},
                                      {"WRONGPASS", RedisError::wrongpass},
                                      {"NOAUTH", RedisError::noauth},
                                      {"DENIED", RedisError::protected_mode},
                                      {"BUSY", RedisError::busy},
                                      {"UNKILLABLE", RedisError::busy},
                                      {"CLUSTERDOWN", RedisError::cluster},
                                      {"MOVED", RedisError::cluster},
                                      {"ASK", RedisError::cluster},
                                      {"CROSSSLOT", RedisError::cluster},
                                      {"TRYAGAIN", RedisError::cluster},
                                      {"WRONGTYPE", RedisError::wrong_type},
                                      {"UNBLOCKED", RedisError::readonly}}};

/// Parts of texts whose code is the general ERR.
constexpr std::array<Code, 17> phrases{
    {{"The user executing the script can't", RedisError::noperm},
     {"max number of clients", RedisError::max_clients},
     {"max number of connections", RedisError::max_clients},
     {"ACL failure in script", RedisError::noperm},
     {"no permissions", RedisError::noperm},
     {"operation not permitted", RedisError::noauth},
     {"no password is set", RedisError::wrongpass},
     {"without any password configured", RedisError::wrongpass},
     {"invalid password", RedisError::wrongpass},
     {"wrong number of arguments for 'auth'", RedisError::wrongpass},
     {"invalid DB index", RedisError::database},
     {"DB index is out of range", RedisError::database},
     {"SELECT is not allowed in cluster mode", RedisError::cluster},
     {"cluster support disabled", RedisError::cluster},
     {"unknown command", RedisError::unknown_command},
     {"unknown subcommand", RedisError::unknown_command},
     {"Unknown Redis command", RedisError::unknown_command}}};

RedisError reason_of_code(std::string_view word) {
    const auto found = std::find_if(codes.begin(), codes.end(),
                                    [&](const Code& code) { return code.word == word; });
    return found == codes.end() ? RedisError::reply : found->reason;
}

bool contains(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return to_lower(a) == to_lower(b); }) != text.end();
}

/// The name that an ACL rule uses: "SETUSER app".
std::string rule(std::string_view user, std::string_view rights) {
    return "ACL SETUSER " + std::string(user.empty() ? "default" : user) + " " +
           std::string(rights);
}

std::string missing_right(const RefusalContext& context) {
    if (contains(context.text, "channel"))
        return rule(context.user,
                    "&" + std::string(context.prefix) + "larder:* &__redis__:invalidate");
    const bool of_key = contains(context.text, " key");
    if (of_key)
        return rule(
            context.user,
            "~" + (context.prefix.empty() ? std::string("*") : std::string(context.prefix) + "*"));
    if (contains(context.text, "script")) return rule(context.user, "+@read +@write +@scripting");
    if (context.command.empty())
        return rule(context.user, "+@read +@write +@scripting +@pubsub +client +info");
    std::string command;
    for (const char c : context.command) command.push_back(to_lower(c));
    return rule(context.user, "+" + command);
}

}  // namespace

std::string_view to_word(RedisError reason) { return words[static_cast<std::size_t>(reason)]; }

RedisError classify_reply(std::string_view text) {
    const std::string_view first = text.substr(0, text.find(' '));
    const RedisError reason = reason_of_code(first);
    if (reason != RedisError::reply) return reason;
    // "EXECABORT Transaction discarded because of: OOM ...", and before Redis 7
    // "ERR Error running script (...): @user_script: 10: -OOM command not allowed ..."
    for (std::size_t at = text.find(": "); at != text.npos; at = text.find(": ", at + 2)) {
        std::string_view rest = text.substr(at + 2);
        if (rest.starts_with('-')) rest.remove_prefix(1);
        const RedisError quoted = reason_of_code(rest.substr(0, rest.find(' ')));
        if (quoted != RedisError::reply) return quoted;
    }
    for (const Code& phrase : phrases)
        if (contains(text, phrase.word)) return phrase.reason;
    return RedisError::reply;
}

bool refuses_digest(std::string_view text) {
    if (text.starts_with("NOSCRIPT")) return true;
    const RedisError reason = classify_reply(text);
    return (reason == RedisError::noperm || reason == RedisError::unknown_command) &&
           contains(text, "evalsha");
}

RedisError classify_error(const boost::system::error_code& error) {
    namespace asio = boost::asio;
    const auto& category = error.category();
    if (category == asio::error::get_netdb_category() ||
        category == asio::error::get_addrinfo_category())
        return RedisError::resolve;
    if (category == asio::error::get_ssl_category() ||
        category == asio::ssl::error::get_stream_category())
        return RedisError::tls;
    if (error == asio::error::timed_out || error == asio::error::operation_aborted)
        return RedisError::connect_timeout;
    return RedisError::connect;
}

std::string shown_reply(std::string_view text) {
    constexpr std::size_t size_max = 300;
    // "ERR unknown command 'AUTH', with args beginning with: 'secret'"
    text = text.substr(0, text.find(", with args"));
    // "... script: 4fd0..., on @user_script:11."
    text = text.substr(0, text.find(" script: "));
    const bool cut = text.size() > size_max;
    std::string out;
    for (const char c : text.substr(0, size_max))
        out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
    return cut ? out + "..." : out;
}

namespace {

/// For what concerns the connection; empty: the reason is another one.
std::string_view remedy_for_connection(RedisError reason) {
    switch (reason) {
        case RedisError::connect:
            return "check that Redis runs, and that redis.url names its address";
        case RedisError::connect_timeout:
            return "check the network and firewalls between larder and Redis, and redis.url";
        case RedisError::resolve:
            return "check the host in redis.url, and the name server";
        case RedisError::tls:
            return "check redis.tls.ca, the certificate's names, and that this port speaks TLS";
        case RedisError::closed:
            return "see the log of Redis";
        case RedisError::timeout:
            return "see what keeps Redis busy (SLOWLOG GET), or raise redis.timeout";
        case RedisError::protocol:
            return "check that redis.url leads to a Redis, with rediss:// where its port speaks "
                   "TLS";
        case RedisError::overload:
            return "see what keeps Redis busy (SLOWLOG GET)";
        case RedisError::sentinel:
            return "check the sentinels in redis.url, redis.sentinel_password and "
                   "redis.sentinel_tls";
        default:
            return {};
    }
}

/// For what the server cannot do at present; empty: the reason is another one.
std::string_view remedy_for_server(RedisError reason) {
    switch (reason) {
        case RedisError::oom:
            return "give Redis more memory (maxmemory), or a maxmemory-policy that evicts, such as "
                   "allkeys-lru";
        case RedisError::misconf:
            return "see in the log of Redis why its snapshots fail (disk, directory), or set "
                   "stop-writes-on-bgsave-error no";
        case RedisError::noreplicas:
            return "bring the replicas back, or lower min-replicas-to-write";
        case RedisError::readonly:
            return "redis.url must lead to the master";
        case RedisError::loading:
            return "none needed: Redis is still reading its data";
        case RedisError::masterdown:
            return "redis.url must lead to the master, not to a replica that has lost its own";
        case RedisError::max_clients:
            return "raise maxclients of Redis, or lower redis.max_connections";
        case RedisError::busy:
            return "see who runs the long script (CLIENT LIST), and end it with SCRIPT KILL";
        case RedisError::cluster:
            return "redis.url must begin with redis-cluster:// where it leads to nodes of a "
                   "cluster, "
                   "and only there";
        case RedisError::other_data:
            return "none needed: larder asks again which server it talks to";
        default:
            return {};
    }
}

}  // namespace

std::string remedy_for(const RefusalContext& context) {
    const RedisError reason = context.reason;
    std::string_view remedy = remedy_for_connection(reason);
    if (remedy.empty()) remedy = remedy_for_server(reason);
    if (!remedy.empty()) return std::string(remedy);
    switch (reason) {
        case RedisError::noperm:
            return "allow it with: " + missing_right(context);
        case RedisError::wrongpass:
            return "check user and password in redis.url";
        case RedisError::noauth:
            return "put the password into redis.url: redis://:PASSWORD@host";
        case RedisError::protected_mode:
            return "give Redis a password, or a bind address and protected-mode no";
        case RedisError::database:
            return "name a database that Redis has in redis.url (CONFIG GET databases)";
        case RedisError::unknown_command:
            return "larder needs " +
                   (context.command.empty() ? std::string("this command")
                                            : std::string(context.command)) +
                   ": ask for it where Redis is hosted, or undo rename-command";
        case RedisError::wrong_type:
            return "an application holds a key of this name: give larder a redis.prefix";
        default:
            return "see the log of Redis";
    }
}

}  // namespace larder::redis
