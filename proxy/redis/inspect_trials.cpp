#include "redis/inspect_trials.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "redis/identity.hpp"
#include "redis/refusal.hpp"
#include "redis/scripts.hpp"

namespace larder::redis {
namespace {

using Kind = Inspection::Kind;

constexpr std::uint64_t oldest_version = 6;  // the first with CLIENT TRACKING and SET KEEPTTL

void plan_keys(TrialPlan& plan, const std::string& key) {
    const std::string hash = key + ":hash";
    const std::string set = key + ":set";
    plan.add("+set", "SET", key, "1", "PX", "10000");
    plan.add("+get", "GET", key);
    plan.add("+incr", "INCR", key);
    plan.add("+exists", "EXISTS", key);
    plan.add("+type", "TYPE", key);
    plan.add("+getex", "GETEX", key);
    plan.add("+rename", "RENAME", key, key);
    plan.add("+renamenx", "RENAMENX", key, key);
    plan.add("+pexpire", "PEXPIRE", key, "10000");
    plan.add("+pttl", "PTTL", key);
    plan.add("+hset", "HSET", hash, "field", "1");
    plan.add("+hsetnx", "HSETNX", hash, "field", "1");
    plan.add("+hget", "HGET", hash, "field");
    plan.add("+hmget", "HMGET", hash, "field");
    plan.add("+hkeys", "HKEYS", hash);
    plan.add("+hlen", "HLEN", hash);
    plan.add("+hexists", "HEXISTS", hash, "field");
    plan.add("+hdel", "HDEL", hash, "other");
    plan.add("+unlink", "UNLINK", hash);
    plan.add("+sadd", "SADD", set, "member");
    plan.add("+scard", "SCARD", set);
    plan.add("+sscan", "SSCAN", set, "0");
    // Both, so that nothing stays where one of them is missing.
    plan.add("+del", "DEL", key);
    plan.add("+del", "DEL", hash);
    plan.add("+del", "DEL", set);
    plan.add("+unlink", "UNLINK", key);
    plan.add("+unlink", "UNLINK", hash);
    plan.add("+unlink", "UNLINK", set);
    plan.add("+time", "TIME");
    plan.add("+eval", "EVAL", "return 1", "1", key);
    plan.add("+evalsha", "EVALSHA", script::lease.name(), "1", key);
}

void plan_connection(TrialPlan& plan, const settings::Redis& settings, std::int64_t client) {
    plan.add("+ping", "PING");
    plan.add("+info", "INFO", "server");
    if (settings.url.database != 0)
        plan.add("+select", "SELECT", static_cast<std::int64_t>(settings.url.database));
    plan.add("+scan", "SCAN", "0", "COUNT", "1");
    plan.add("+client|id", "CLIENT", "ID");
    plan.add("+client|setname", "CLIENT", "SETNAME", "larder");
    if (client != 0)
        plan.add("+client|tracking", "CLIENT", "TRACKING", "ON", "REDIRECT", client, "OPTIN");
    if (client == 0) plan.add("+client|tracking", "CLIENT", "TRACKING", "ON", "OPTIN");
    plan.add("+client|caching", "CLIENT", "CACHING", "YES");
    plan.add("+client|tracking", "CLIENT", "TRACKING", "OFF");
    if (settings.url.kind != settings::RedisUrl::Kind::cluster) return;
    plan.add("+cluster|info", "CLUSTER", "INFO");
    plan.add("+cluster|slots", "CLUSTER", "SLOTS");
    plan.add("+cluster|nodes", "CLUSTER", "NODES");
    plan.add("+dbsize", "DBSIZE");
    plan.add("+asking", "ASKING");
}

/// The stream is only looked at: the group is made in a stream of the trial's own.
void plan_stream(TrialPlan& plan, const std::string& stream, const std::string& key) {
    const std::string own = key + ":stream";
    plan.add("+xgroup|create", "XGROUP", "CREATE", own, "larder", "0", "MKSTREAM");
    plan.add("+xreadgroup", "XREADGROUP", "GROUP", "larder", "check", "STREAMS", own, ">");
    plan.add("+xautoclaim", "XAUTOCLAIM", own, "larder", "check", "0", "0");
    plan.add("+del", "DEL", own);
    plan.add("+unlink", "UNLINK", own);
    plan.add("+xpending", "XPENDING", stream, "larder");
    plan.add("+xack", "XACK", stream, "larder", "0-1");
    plan.add("+xtrim", "XTRIM", stream, "MINID", "0-0");
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

void judge_tracking(const std::vector<Trial>& trials, Inspection& found) {
    const auto refused = std::find_if(trials.begin(), trials.end(), [](const Trial& trial) {
        return trial.right == "+client|tracking" && trial.reply.is_error();
    });
    if (refused == trials.end())
        found.say(Kind::fact, "tracking", "works: the memory tier can be used");
    if (refused != trials.end())
        found.say(Kind::warning, "tracking",
                  "does not work, so the memory tier is off, and each hit asks Redis: " +
                      shown_reply(refused->reply.text));
}

/// What there is in no command that the server offers, and what it refuses to do at present.
void judge_refusals(const settings::Redis& settings, const std::vector<Trial>& trials,
                    Inspection& found) {
    std::set<std::string_view> said;
    for (const Trial& trial : trials) {
        if (!trial.reply.is_error()) continue;
        const std::string& text = trial.reply.text;
        const RedisError reason = classify_reply(text);
        const bool is_tracking = trial.right.starts_with("+client|");
        const bool unknown = reason == RedisError::unknown_command;
        const bool is_young = trial.right == "+getex";
        if (unknown && is_young)
            found.say(Kind::warning, "commands",
                      "getex is not there (Redis 6.2): a response that is stored costs one round "
                      "trip and a script more");
        if (unknown && !is_tracking && !is_young && said.insert(trial.right).second)
            found.say(Kind::error, "commands",
                      trial.right.substr(1) + " is not there: it was renamed, or is not offered");
        const bool no_writes = reason == RedisError::oom || reason == RedisError::misconf ||
                               reason == RedisError::readonly || reason == RedisError::noreplicas ||
                               reason == RedisError::cluster;
        if (no_writes && trial.right == "+set")
            found.say(Kind::error, "writes",
                      "are refused: " + shown_reply(text) + "; " +
                          remedy_for({reason, text, {}, settings.url.user, settings.prefix}));
    }
}

std::string version_of(std::string_view info) {
    const std::string redis(info_value(info, "redis_version"));
    for (const auto& [field, name] :
         {std::pair{"valkey_version", "Valkey "}, std::pair{"dragonfly_version", "Dragonfly "}}) {
        const std::string_view version = info_value(info, field);
        if (!version.empty())
            return name + std::string(version) + " (speaks as Redis " + redis + ")";
    }
    return "Redis " + redis;
}

void describe_mode(std::string_view info, bool is_cluster, Inspection& found) {
    const std::string mode(info_value(info, "redis_mode"));
    const std::string role(info_value(info, "role"));
    if (mode.empty() && role.empty()) return;
    std::string text = mode;
    if (!role.empty()) text += (text.empty() ? "" : ", ") + (role == "slave" ? "replica" : role);
    const bool fits = mode.empty() || (mode == "cluster") == is_cluster;
    if (!fits)
        text += is_cluster ? ": redis.url must begin with redis:// for it"
                           : ": redis.url must begin with redis-cluster:// for it";
    found.say(fits ? Kind::fact : Kind::error, "mode", text);
    if (role == "slave")
        found.say(Kind::error, "mode", "this is a replica: redis.url must lead to the master");
}

void describe_memory(std::string_view info, Inspection& found) {
    const std::string policy(info_value(info, "maxmemory_policy"));
    if (policy.empty()) return;
    const bool bounded = info_value(info, "maxmemory") != "0";
    const std::string limit(info_value(info, "maxmemory_human"));
    const std::string used(info_value(info, "used_memory_human"));
    const bool fills_up = bounded && policy == "noeviction";
    std::string text = policy + (bounded ? ", at most " + limit : ", no limit (maxmemory 0)");
    if (!used.empty()) text += ", " + used + " in use";
    if (fills_up) text += "; once it is full nothing is stored: allkeys-lru makes room";
    found.say(fills_up ? Kind::warning : Kind::fact, "eviction", text);
}

void describe_persistence(std::string_view info, Inspection& found) {
    const std::string saved(info_value(info, "rdb_last_bgsave_status"));
    if (saved.empty()) return;
    const bool append_only = info_value(info, "aof_enabled") == "1";
    found.say(saved == "ok" ? Kind::fact : Kind::warning, "persistence",
              std::string(append_only ? "append-only file" : "no append-only file") +
                  ", last snapshot " + saved);
}

}  // namespace

TrialPlan plan_trials(const settings::Redis& settings, const RedisKeys& keys,
                      const std::string& key, std::int64_t client) {
    TrialPlan plan;
    plan_connection(plan, settings, client);
    plan_keys(plan, key);
    if (!settings.purge_stream.empty()) plan_stream(plan, keys.entry(settings.purge_stream), key);
    plan.add("+publish", "PUBLISH", keys.news(), "");
    // The last one: afterwards the connection takes no other commands.
    plan.add("+subscribe", "SUBSCRIBE", keys.news());
    return plan;
}

std::string missing_rights(const std::vector<Trial>& trials, std::string_view user,
                           std::string_view prefix) {
    std::vector<std::string> rights;
    bool keys = false;
    bool channels = false;
    for (const Trial& trial : trials) {
        if (!trial.reply.is_error("NOPERM")) continue;
        const std::string& text = trial.reply.text;
        if (contains(text, "channel")) {
            channels = true;
        } else if (contains(text, "keys used")) {
            keys = true;
        } else if (std::find(rights.begin(), rights.end(), trial.right) == rights.end()) {
            rights.push_back(trial.right);
        }
    }
    if (keys) rights.push_back("~" + std::string(prefix) + "*");
    if (channels) rights.push_back("&" + std::string(prefix) + "larder:*");
    if (rights.empty()) return {};
    std::string rule = "ACL SETUSER " + std::string(user.empty() ? "default" : user);
    for (const std::string& right : rights) rule.append(" ").append(right);
    return rule;
}

void judge_trials(const settings::Redis& settings, const std::vector<Trial>& trials,
                  Inspection& found) {
    const bool is_cluster = settings.url.kind == settings::RedisUrl::Kind::cluster;
    const std::string rule = missing_rights(trials, settings.url.user, settings.prefix);
    if (rule.empty()) found.say(Kind::fact, "rights", "all that larder needs");
    if (!rule.empty())
        found.say(Kind::error, "rights",
                  std::string("some are missing; give them ") +
                      (is_cluster ? "on every node, replicas too, " : "") + "with: " + rule);
    judge_tracking(trials, found);
    judge_refusals(settings, trials, found);
}

void describe_server(std::string_view info, bool is_cluster, Inspection& found) {
    const std::string_view version = info_value(info, "redis_version");
    const auto major = parse_decimal(version.substr(0, version.find('.')));
    const bool is_old = major && *major < oldest_version;
    if (!version.empty())
        found.say(is_old ? Kind::error : Kind::fact, "version",
                  version_of(info) + (is_old ? ": larder needs 6.0 or later" : ""));
    describe_mode(info, is_cluster, found);
    describe_memory(info, found);
    describe_persistence(info, found);
}

}  // namespace larder::redis
