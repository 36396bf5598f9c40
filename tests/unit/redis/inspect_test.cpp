#include <doctest/doctest.h>

#include "base/text.hpp"
#include "redis/inspect_trials.hpp"

namespace larder::redis {
namespace {

Trial refused(std::string right, std::string text) {
    Trial trial;
    trial.right = std::move(right);
    trial.reply.type = RedisReply::Type::error;
    trial.reply.text = std::move(text);
    return trial;
}

Trial no_command(std::string right, const std::string& command) {
    return refused(std::move(right),
                   "NOPERM this user has no permissions to run the '" + command + "' command");
}

std::string text_of(const Inspection& found) {
    std::string text;
    for (const Inspection::Line& line : found.lines)
        text +=
            line.name + "|" + std::to_string(static_cast<int>(line.kind)) + "|" + line.text + "\n";
    return text;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("what is missing is said as the one line that gives it") {
    const Trial fine{"+get", {}};
    CHECK(missing_rights({fine}, "", "").empty());
    CHECK(missing_rights({fine, no_command("+evalsha", "evalsha"),
                          no_command("+client|tracking", "client|tracking"),
                          no_command("+client|tracking", "client|tracking")},
                         "app", "app:") == "ACL SETUSER app +evalsha +client|tracking");
    // A right whose name begins another's is a right of its own.
    CHECK(missing_rights({no_command("+setname", "setname"), no_command("+set", "set")}, "", "") ==
          "ACL SETUSER default +setname +set");
    const std::string no_key =
        "NOPERM this user has no permissions to access one of the keys used as arguments";
    const std::string no_channel =
        "NOPERM this user has no permissions to access one of the channels used as arguments";
    CHECK(missing_rights({refused("+get", no_key), refused("+publish", no_channel)}, "", "app:") ==
          "ACL SETUSER default ~app:* &app:larder:*");
    // Other errors are no question of rights.
    CHECK(missing_rights({refused("+evalsha", "NOSCRIPT No matching script")}, "app", "").empty());
}

TEST_CASE("a server that tracks nothing is told from one that lacks a command that is needed") {
    const auto judged = [](const std::vector<Trial>& trials) {
        Inspection found;
        judge_trials(settings::Redis{}, trials, found);
        return text_of(found);
    };
    std::string text = judged({refused("+client|tracking", "ERR unknown subcommand 'TRACKING'")});
    CHECK(has(text, "tracking|1|does not work, so the memory tier is off"));
    CHECK_FALSE(has(text, "commands|"));
    text = judged({refused("+sscan", "ERR unknown command 'SSCAN', with args beginning with: ")});
    CHECK(has(text, "commands|2|sscan is not there"));
    CHECK(has(text, "tracking|0|works"));
    CHECK(has(judged({refused("+set", "OOM command not allowed")}), "writes|2|are refused"));
}

TEST_CASE("INFO tells version, mode, eviction and persistence") {
    const auto described = [](std::string_view info, bool is_cluster) {
        Inspection found;
        describe_server(info, is_cluster, found);
        return text_of(found);
    };
    const std::string_view info =
        "redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\nmaxmemory:1048576\r\n"
        "maxmemory_human:1.00M\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n"
        "rdb_last_bgsave_status:ok\r\n";
    const std::string text = described(info, false);
    CHECK(has(text, "version|0|Redis 7.0.15\n"));
    CHECK(has(text, "mode|0|standalone, master\n"));
    CHECK(has(text, "eviction|1|noeviction, at most 1.00M; once it is full"));
    CHECK(has(text, "persistence|0|append-only file, last snapshot ok\n"));
    CHECK(has(described(info, true),
              "mode|2|standalone, master: redis.url must begin with redis:// for it"));
    CHECK(
        has(described("redis_mode:cluster\r\nrole:master\r\n", false), "redis-cluster:// for it"));
    CHECK(
        has(described("redis_version:5.0.14\r\n", false), "version|2|Redis 5.0.14: larder needs"));
    CHECK(has(described("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n", false),
              "version|0|Valkey 8.0.1 (speaks as Redis 7.2.4)"));
    CHECK(has(described("role:slave\r\n", false), "mode|2|this is a replica"));
    // What a server does not tell is not made up.
    CHECK(described("", false).empty());
}

TEST_CASE("every command that is tried has a right of its name") {
    settings::Redis settings;
    settings.purge_stream = "larder:purges";
    const TrialPlan plan = plan_trials(settings, RedisKeys("app:"), "app:check", 7);
    REQUIRE(plan.commands.count() == plan.rights.size());
    for (std::size_t i = 0; i < plan.rights.size(); ++i) {
        const std::string right = plan.rights[i].substr(1, plan.rights[i].find('|') - 1);
        std::string command(plan.commands.name(i));
        for (char& c : command) c = to_lower(c);
        CHECK(command == right);
    }
}

}  // namespace
}  // namespace larder::redis
