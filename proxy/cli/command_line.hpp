#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace larder::cli {

/// The exit statuses of the program.
inline constexpr int exit_fine = 0;
inline constexpr int exit_wrong = 1;  ///< the command found something wrong, or it failed
inline constexpr int exit_usage = 2;

/// What overrides the configuration file; empty: nothing.
struct ServeOptions {
    std::string config_file;
    std::vector<std::string> listen;
    std::string admin;
    std::string origin;
    std::string redis;
};

/// Lines for people, or JSON for programs.
enum class OutputFormat { text, json };

struct CheckOptions {
    std::string config_file;
    OutputFormat format = OutputFormat::text;
    bool redis = false;  ///< try the configured Redis too
};

struct SchemaOptions {};

struct ExplainOptions {
    std::string config_file;
    std::string method;
    std::string url;  ///< "/articles/42" or with scheme and host
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// How to reach a running larder's admin server.
struct AdminTarget {
    std::string url = "http://127.0.0.1:9180";
    std::string token;  ///< empty: none is sent
};

struct PurgeOptions {
    AdminTarget admin;
    bool tag = false;  ///< the items are tags
    bool soft = false;
    std::vector<std::string> items;
    bool url = false;      ///< the items are URLs, or paths
    bool dry_run = false;  ///< only say what would be purged
};

struct TailOptions {
    AdminTarget admin;
    std::vector<std::string> filters;  ///< "name=value" each
    bool json = false;
};

struct RoutesOptions {
    std::string openapi_file;
};

struct AdviseOptions {
    AdminTarget admin;
};

struct TopOptions {
    AdminTarget admin;
    std::string by = "hits";
    bool watch = false;
};

struct StatsOptions {
    AdminTarget admin;
    bool watch = false;
    bool ready = false;  ///< only whether it serves, by the exit status
    bool json = false;
};

using Command = std::variant<ServeOptions, CheckOptions, ExplainOptions, PurgeOptions, StatsOptions,
                             SchemaOptions, TailOptions, TopOptions, AdviseOptions, RoutesOptions>;

/// The program only prints a text and exits: help, the version, or what is wrong with the
/// arguments.
struct Exit {
    int status = exit_fine;
    std::string
        text;  ///< for standard output where the status is exit_fine, else for standard error
};

/// Parses the arguments without the program's name. `serve` is assumed where no command is named.
/// The environment variable LARDER_ADMIN_TOKEN stands for --token, so that the token need not show
/// in the list of processes.
[[nodiscard]] std::variant<Command, Exit> parse_command_line(
    const std::vector<std::string>& arguments);

}  // namespace larder::cli
