#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/command.hpp"
#include "redis/inspect.hpp"
#include "redis/keys.hpp"
#include "redis/reply.hpp"

/// What `larder check --redis` tries on one server, and what the replies mean. Pure.
namespace larder::redis {

/// All commands that larder sends to a server, each tried once on keys of its own.
struct TrialPlan {
    RedisCommands commands;
    std::vector<std::string> rights;  ///< of each, as in an ACL rule: "+get", "+client|tracking"

    template <std::size_t size, class... Arguments>
    void add(const char* right, const char (&name)[size], const Arguments&... arguments) {
        commands.add(name, arguments...);
        rights.emplace_back(right);
    }
};
/// `key`: a name that nobody else uses, in a slot of the server. `client`: the id of the
/// connection; 0: it is not known.
[[nodiscard]] TrialPlan plan_trials(const settings::Redis& settings, const RedisKeys& keys,
                                    const std::string& key, std::int64_t client);

/// One thing that was tried, and the reply to it.
struct Trial {
    std::string right;
    RedisReply reply;
};
/// The rights that the replies say are missing, as one ACL rule that gives them; empty: none.
[[nodiscard]] std::string missing_rights(const std::vector<Trial>& trials, std::string_view user,
                                         std::string_view prefix);
/// What the replies tell, as lines.
void judge_trials(const settings::Redis& settings, const std::vector<Trial>& trials,
                  Inspection& found);
/// What INFO tells, as lines.
void describe_server(std::string_view info, bool is_cluster, Inspection& found);

}  // namespace larder::redis
