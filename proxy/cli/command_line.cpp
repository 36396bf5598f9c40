#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "base/text.hpp"

namespace larder::cli {
namespace {

constexpr std::array<std::string_view, 10> commands{
    "serve", "check", "explain", "purge", "stats", "schema", "tail", "top", "advise", "routes"};

/// Everything the parser writes to, for all commands.
struct Options {
    ServeOptions serve;
    CheckOptions check;
    ExplainOptions explain;
    std::vector<std::string> header_lines;
    PurgeOptions purge;
    StatsOptions stats;
    TailOptions tail;
    TopOptions top;
    AdviseOptions advise;
    RoutesOptions routes;
};

void add_config(CLI::App& command, std::string& file) {
    command
        .add_option("-c,--config", file,
                    "The configuration file; without one, the built-in default")
        ->type_name("FILE");
}

void add_admin(CLI::App& command, AdminTarget& admin) {
    command.add_option("--admin", admin.url, "Where the running larder's admin server is")
        ->type_name("URL")
        ->capture_default_str();
    command.add_option("--token", admin.token, "The admin server's token")
        ->type_name("TOKEN")
        ->envname("LARDER_ADMIN_TOKEN");
}

CLI::App* add_serve(CLI::App& app, ServeOptions& options) {
    CLI::App* command = app.add_subcommand("serve", "Serve (the default command)");
    add_config(*command, options.config_file);
    command->add_option("--listen", options.listen, "Listen here instead; may be repeated")
        ->type_name("ADDR")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--admin", options.admin, "The admin server's address, or off")
        ->type_name("ADDR|off");
    command->add_option("--origin", options.origin, "The origin, like http://127.0.0.1:8000")
        ->type_name("URL");
    command->add_option("--redis", options.redis, "Redis, like redis://127.0.0.1:6379/0, or off")
        ->type_name("URL");
    return command;
}

CLI::App* add_check(CLI::App& app, CheckOptions& options) {
    CLI::App* command = app.add_subcommand("check", "Validate and lint the configuration");
    add_config(*command, options.config_file);
    const auto set_format = [&options](const std::string& word) {
        options.format = word == "json" ? OutputFormat::json : OutputFormat::text;
    };
    command
        ->add_option_function<std::string>("--format", set_format, "How the problems are written")
        ->check(CLI::IsMember({"text", "json"}))
        ->type_name("text|json");
    command->add_flag("--redis", options.redis,
                      "Try the configured Redis too: version, rights, tracking, latency");
    return command;
}

CLI::App* add_explain(CLI::App& app, Options& options) {
    CLI::App* command =
        app.add_subcommand("explain", "Say what would happen to a request, and why (offline)");
    add_config(*command, options.explain.config_file);
    command->add_option("METHOD", options.explain.method, "The request's method")->required();
    command->add_option("URL", options.explain.url, "Its target, like /articles/42")->required();
    command->add_option("-H,--header", options.header_lines, "A request header; may be repeated")
        ->type_name("'Name: value'")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("-d,--data", options.explain.body, "The request's body")->type_name("BODY");
    return command;
}

CLI::App* add_purge(CLI::App& app, PurgeOptions& options) {
    CLI::App* command = app.add_subcommand("purge", "Purge keys, patterns with '*', or tags");
    add_admin(*command, options.admin);
    CLI::Option* tag = command->add_flag("--tag", options.tag, "What follows are tags");
    command->add_flag("--url", options.url, "What follows are URLs, or paths")->excludes(tag);
    command->add_flag("--soft", options.soft, "Make stale instead of removing");
    command->add_flag("--dry-run", options.dry_run, "Only say what would be purged");
    command->add_option("KEY-OR-PATTERN", options.items, "What to purge")->required();
    return command;
}

CLI::App* add_stats(CLI::App& app, StatsOptions& options) {
    CLI::App* command = app.add_subcommand("stats", "Show a running larder's figures");
    add_admin(*command, options.admin);
    command->add_flag("--watch", options.watch, "Show them anew every second");
    command->add_flag("--ready", options.ready,
                      "Show nothing: exit status 0 if /readyz says that it serves, else 1");
    command->add_flag("--json", options.json, "Print the answer of /stats as it is");
    return command;
}

CLI::App* add_tail(CLI::App& app, TailOptions& options) {
    CLI::App* command = app.add_subcommand("tail", "Show requests as they happen");
    add_admin(*command, options.admin);
    command->add_flag("--json", options.json, "One JSON object a line");
    command
        ->add_option("FILTER", options.filters,
                     "name=value, and all must hold: route, cache, status, method, client, detail, "
                     "slower")
        ->check([](const std::string& filter) {
            const std::size_t equals = filter.find('=');
            return equals == 0 || equals == std::string::npos
                       ? "'" + filter + "' is no filter such as cache=MISS"
                       : std::string();
        });
    return command;
}

CLI::App* add_top(CLI::App& app, TopOptions& options) {
    CLI::App* command = app.add_subcommand("top", "Show the keys that matter most");
    add_admin(*command, options.admin);
    command->add_option("--by", options.by, "What counts")
        ->check(CLI::IsMember({"hits", "misses", "origin-time", "bytes"}))
        ->type_name("hits|misses|origin-time|bytes")
        ->capture_default_str();
    command->add_flag("--watch", options.watch, "Show them anew every second");
    return command;
}

/// Puts "serve" first where no command is named, so that its options need no command.
std::vector<std::string> with_command(const std::vector<std::string>& arguments) {
    constexpr std::array<std::string_view, 3> of_the_program{"-h", "--help", "--version"};
    std::vector<std::string> all = arguments;
    const bool is_complete =
        !all.empty() &&
        (!all.front().starts_with('-') || std::find(of_the_program.begin(), of_the_program.end(),
                                                    all.front()) != of_the_program.end());
    if (!is_complete) all.insert(all.begin(), "serve");
    return all;
}

Exit usage_error(const std::string& what, const std::string& command) {
    const std::string help = command.empty() ? "larder --help" : "larder " + command + " --help";
    return {exit_usage, "larder: " + what + "\nTry '" + help + "'.\n"};
}

std::variant<Command, Exit> finish_explain(Options& options) {
    for (const std::string& line : options.header_lines) {
        const std::size_t colon = line.find(':');
        if (colon == 0 || colon == std::string::npos)
            return usage_error("-H needs 'Name: value', not '" + line + "'", "explain");
        options.explain.headers.emplace_back(line.substr(0, colon),
                                             trim_ows(std::string_view(line).substr(colon + 1)));
    }
    return Command{std::move(options.explain)};
}

std::variant<Command, Exit> finish_purge(PurgeOptions& options) {
    for (const std::string& item : options.items)
        if (item.empty()) return usage_error("an empty string cannot be purged", "purge");
    return Command{std::move(options)};
}

}  // namespace

std::variant<Command, Exit> parse_command_line(const std::vector<std::string>& arguments) {
    Options options;
    CLI::App app("A transparent caching proxy for HTTP APIs", "larder");
    app.set_version_flag("--version", "larder " LARDER_VERSION);
    app.require_subcommand(1);
    CLI::App* serve = add_serve(app, options.serve);
    CLI::App* check = add_check(app, options.check);
    CLI::App* explain = add_explain(app, options);
    CLI::App* purge = add_purge(app, options.purge);
    CLI::App* tail = add_tail(app, options.tail);
    CLI::App* top = add_top(app, options.top);
    CLI::App* advise =
        app.add_subcommand("advise", "Say what the traffic tells about the configuration");
    add_admin(*advise, options.advise.admin);
    CLI::App* routes = app.add_subcommand("routes", "Draft routes from an API's OpenAPI document");
    routes->add_option("--openapi", options.routes.openapi_file, "The document, YAML or JSON")
        ->type_name("FILE")
        ->required();
    add_stats(app, options.stats);
    CLI::App* schema =
        app.add_subcommand("schema", "Print the JSON Schema of the configuration file");

    std::vector<std::string> all = with_command(arguments);
    const std::string& first = all.front();
    const bool is_known = std::find(commands.begin(), commands.end(), first) != commands.end();
    if (!first.starts_with('-') && !is_known)
        return usage_error("there is no command '" + first + "'", "");
    const std::string command = is_known ? first : std::string();
    std::reverse(all.begin(), all.end());  // as the library wants them
    try {
        app.parse(std::move(all));
    } catch (const CLI::Success& asked) {
        std::ostringstream out, unused;
        app.exit(asked, out, unused);
        return Exit{exit_fine, out.str()};
    } catch (const CLI::Error& error) {
        return usage_error(error.what(), command);
    }
    if (serve->parsed()) return Command{std::move(options.serve)};
    if (check->parsed()) return Command{std::move(options.check)};
    if (explain->parsed()) return finish_explain(options);
    if (purge->parsed()) return finish_purge(options.purge);
    if (schema->parsed()) return Command{SchemaOptions{}};
    if (tail->parsed()) return Command{std::move(options.tail)};
    if (top->parsed()) return Command{std::move(options.top)};
    if (advise->parsed()) return Command{std::move(options.advise)};
    if (routes->parsed()) return Command{std::move(options.routes)};
    return Command{std::move(options.stats)};
}

}  // namespace larder::cli
