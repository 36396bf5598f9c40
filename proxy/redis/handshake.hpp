#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/command.hpp"
#include "redis/identity.hpp"
#include "redis/keys.hpp"
#include "redis/refusal.hpp"
#include "redis/reply.hpp"
#include "redis/troubles.hpp"
#include "redis/url.hpp"

namespace larder::redis {

/// A command that Redis has refused.
struct Refusal {
    RedisWork work = RedisWork::use;  ///< what does not work without it
    RedisError reason = RedisError::reply;
    std::string text;          ///< what Redis said
    std::string_view command;  ///< may be empty
};

/// How a link introduces itself on a new connection, and finds out to which server it leads. No
/// I/O: the caller sends the commands of a step together and gives their replies to the method that
/// reads them. Used once.
class RedisHandshake {
public:
    /// `url` and `keys` must outlive the handshake.
    RedisHandshake(const RedisUrl& url, const RedisKeys& keys) : url_(url), keys_(keys) {}

    enum class Next : std::uint8_t {
        identified,      ///< `server` is known: the handshake is over
        needs_nonce,     ///< the server does not say who it is: send `identification`
        refused,         ///< not a server to use now: `refusal` says why
        not_the_master,  ///< as `refused`; the server is a replica
    };

    /// The first step: password, database, name, and the questions who the server is.
    [[nodiscard]] RedisCommands introduction();
    [[nodiscard]] Next take_introduction(const std::vector<RedisReply>& replies);

    /// The second step, for a server that does not say who it is: its name is `nonce`, a value that
    /// this process has put there.
    [[nodiscard]] RedisCommands identification(const std::string& instance,
                                               const std::string& nonce);
    [[nodiscard]] Next take_identification(const std::vector<RedisReply>& replies);

    /// The server's name, once it is identified.
    [[nodiscard]] const std::string& server() const { return server_; }
    /// What INFO has told; without a run id where Redis refuses INFO.
    [[nodiscard]] const ServerIdentity& identity() const { return identity_; }
    /// Why it was refused; also set where Redis refuses INFO, which is no reason to end.
    [[nodiscard]] const std::optional<Refusal>& refusal() const { return refusal_; }

private:
    [[nodiscard]] Next refuse(const RedisReply& error);

    const RedisUrl& url_;
    const RedisKeys& keys_;
    std::size_t must_succeed_ = 0;  ///< how many of the first replies must be no errors
    std::string nonce_;
    std::string server_;
    ServerIdentity identity_;
    std::optional<Refusal> refusal_;
};

/// AUTH, where the URL has a password. Every connection begins with it.
void add_authentication(RedisCommands& commands, const RedisUrl& url);

/// Of which reads Redis tells the subscriber.
enum class Tracked : std::uint8_t {
    every_read,  ///< but of the command that follows CLIENT CACHING NO
    on_request,  ///< of those that follow CLIENT CACHING YES
};
/// Has Redis tell the subscriber (its client id) when a key changes that this connection has read.
/// `key`: any of larder's.
[[nodiscard]] RedisCommands tracking_commands(std::int64_t subscriber, Tracked tracked,
                                              std::string_view key);
/// Which reads the user may leave out of it.
struct Untracked {
    bool next_command = false;  ///< of the command that follows CLIENT CACHING NO
    bool getex = false;         ///< GETEX is there (Redis 6.2): it is no read to Redis
};
[[nodiscard]] Untracked read_untracked(const std::vector<RedisReply>& replies);
/// Nothing: Redis does it.
[[nodiscard]] std::optional<Refusal> read_tracking(const std::vector<RedisReply>& replies);

}  // namespace larder::redis
