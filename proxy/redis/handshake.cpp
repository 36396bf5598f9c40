#include "redis/handshake.hpp"

#include "base/clock.hpp"
#include "redis/scripts.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds nonce_lifetime = 24h;

Refusal refusal_of(RedisWork work, const RedisReply& error, std::string_view command) {
    return {work, classify_reply(error.text), error.text, command};
}

}  // namespace

void add_authentication(RedisCommands& commands, const RedisUrl& url) {
    if (url.password.empty()) return;
    if (url.user.empty()) commands.add("AUTH", url.password);
    if (!url.user.empty()) commands.add("AUTH", url.user, url.password);
}

RedisCommands RedisHandshake::introduction() {
    RedisCommands commands;
    add_authentication(commands, url_);
    if (url_.database != 0) commands.add("SELECT", static_cast<std::int64_t>(url_.database));
    // A read tells what a PING would not: that the password is missing, the data is loading, the
    // master is away.
    if (url_.kind != RedisUrl::Kind::cluster) commands.add("GET", keys_.clock());
    // A node of a cluster holds some keys only.
    if (url_.kind == RedisUrl::Kind::cluster) commands.add("PING");
    must_succeed_ = commands.count();
    commands.add("CLIENT", "SETNAME", "larder");
    commands.add("INFO", "server");
    commands.add("INFO", "replication");
    return commands;
}

RedisHandshake::Next RedisHandshake::refuse(const RedisReply& error) {
    refusal_ = refusal_of(RedisWork::use, error, {});
    return refusal_->reason == RedisError::readonly ? Next::not_the_master : Next::refused;
}

RedisHandshake::Next RedisHandshake::take_introduction(const std::vector<RedisReply>& replies) {
    for (std::size_t i = 0; i < must_succeed_; ++i) {
        if (!replies[i].is_error()) continue;
        refusal_ = refusal_of(RedisWork::use, replies[i], {});
        return Next::refused;
    }
    const RedisReply& server_info = replies[must_succeed_ + 1];
    const RedisReply& replication_info = replies[must_succeed_ + 2];
    if (server_info.is_error()) refusal_ = refusal_of(RedisWork::identity, server_info, "INFO");
    // Masters of a cluster replace each other: without INFO nobody could tell them apart.
    if (server_info.is_error() && url_.kind == RedisUrl::Kind::cluster) {
        refusal_->work = RedisWork::use;
        return Next::refused;
    }
    read_info(server_info.text, identity_);
    read_info(replication_info.text, identity_);
    if (identity_.replica) {
        refusal_ = {RedisWork::use, RedisError::readonly, "the server is a replica", {}};
        return Next::not_the_master;
    }
    server_ = identity_.name();
    return server_.empty() ? Next::needs_nonce : Next::identified;
}

RedisCommands RedisHandshake::identification(const std::string& instance,
                                             const std::string& nonce) {
    nonce_ = nonce;
    RedisCommands commands;
    commands.run(script::nonce, "1", keys_.nonce(instance), nonce, nonce_lifetime.count());
    return commands;
}

RedisHandshake::Next RedisHandshake::take_identification(const std::vector<RedisReply>& replies) {
    if (replies.front().is_error()) return refuse(replies.front());
    server_ = nonce_;
    return Next::identified;
}

// Not NOLOOP: with NOLOOP, Redis also does not tell what it evicted, or found expired, while it ran
// a command of this connection.
RedisCommands tracking_commands(std::int64_t subscriber, Tracked tracked, std::string_view key) {
    RedisCommands commands;
    if (tracked == Tracked::every_read) {
        commands.add("CLIENT", "TRACKING", "ON", "REDIRECT", subscriber, "OPTOUT");
        // Only to see whether the user may, and whether Redis knows it.
        commands.add("CLIENT", "CACHING", "NO");
        commands.add("GETEX", key);
    }
    if (tracked == Tracked::on_request)
        commands.add("CLIENT", "TRACKING", "ON", "REDIRECT", subscriber, "OPTIN");
    return commands;
}

Untracked read_untracked(const std::vector<RedisReply>& replies) {
    if (replies.size() < 3) return {};
    // Another node of a cluster has the key: that is said of a command that is known and allowed.
    const RedisReply& getex = replies[2];
    return {!replies[1].is_error(), !getex.is_error() || getex.is_error("MOVED") ||
                                        getex.is_error("ASK") || getex.is_error("WRONGTYPE")};
}

std::optional<Refusal> read_tracking(const std::vector<RedisReply>& replies) {
    if (!replies.front().is_error()) return std::nullopt;
    return refusal_of(RedisWork::tracking, replies.front(), "CLIENT");
}

}  // namespace larder::redis
