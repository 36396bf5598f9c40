#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "cli/advise_command.hpp"
#include "cli/command_line.hpp"
#include "cli/config_commands.hpp"
#include "cli/openapi_routes.hpp"
#include "cli/purge_command.hpp"
#include "cli/stats_command.hpp"
#include "cli/tail_command.hpp"
#include "cli/top_command.hpp"
#include "observe/logging.hpp"
#include "server/handover.hpp"
#include "server/server.hpp"

namespace {

using namespace larder;

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

int serve(const cli::ServeOptions& options, std::vector<std::string> arguments) {
    server::ConfigSource source;
    source.file = options.config_file;
    source.overrides.listen = options.listen;
    source.overrides.admin = given(options.admin);
    source.overrides.origin = given(options.origin);
    source.overrides.redis = given(options.redis);
    server::close_inherited_descriptors();
    settings::Problems problems;
    settings::Settings settings = server::load(source, problems);
    if (settings::has_errors(problems)) {
        const bool usage = std::any_of(
            problems.begin(), problems.end(),
            [](const settings::Problem& problem) { return problem.path.starts_with("--"); });
        for (const settings::Problem& problem : problems)
            std::cerr << settings::to_text(problem, source.file) << '\n';
        if (usage) std::cerr << "Try 'larder serve --help'.\n";
        return usage ? cli::exit_usage : cli::exit_wrong;
    }
    observe::set_up_logging(settings.log);
    int status = cli::exit_wrong;
    try {
        server::Server server(source, std::move(settings), std::move(arguments));
        status = server.run();
    } catch (const std::exception& error) {
        observe::shut_down_logging();
        std::cerr << "larder: " << error.what() << '\n';
        return cli::exit_wrong;
    }
    observe::shut_down_logging();
    return status;
}

struct Runner {
    std::vector<std::string> arguments;
    int operator()(const cli::ServeOptions& options) const { return serve(options, arguments); }
    int operator()(const cli::CheckOptions& options) const {
        return cli::run_check(options, std::cout, std::cerr);
    }
    int operator()(const cli::SchemaOptions&) const { return cli::run_schema(std::cout); }
    int operator()(const cli::ExplainOptions& options) const {
        return cli::run_explain(options, screen(), std::cout, std::cerr);
    }
    int operator()(const cli::PurgeOptions& options) const {
        return cli::run_purge(options, std::cout, std::cerr);
    }
    int operator()(const cli::StatsOptions& options) const {
        return cli::run_stats(options, screen(), std::cout, std::cerr);
    }
    int operator()(const cli::TailOptions& options) const {
        return cli::run_tail(options, screen(), std::cout, std::cerr);
    }
    int operator()(const cli::TopOptions& options) const {
        return cli::run_top(options, screen(), std::cout, std::cerr);
    }

    int operator()(const cli::RoutesOptions& options) const {
        return cli::run_routes(options, std::cout, std::cerr);
    }
    int operator()(const cli::AdviseOptions& options) const {
        return cli::run_advise(options, std::cout, std::cerr);
    }

    static cli::Screen screen() {
        winsize size{};
        if (::isatty(STDOUT_FILENO) != 1) return {};
        const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        return {known ? size.ws_col : std::size_t{80}};
    }
};

// The usual soft limit of 1024 is for programs that use select().
void allow_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a write beyond RLIMIT_FSIZE fails instead
    allow_all_descriptors();
    const std::vector<std::string> arguments(argv, argv + argc);
    const auto parsed =
        cli::parse_command_line(std::vector<std::string>(arguments.begin() + 1, arguments.end()));
    if (const auto* exit = std::get_if<cli::Exit>(&parsed)) {
        (exit->status == cli::exit_fine ? std::cout : std::cerr) << exit->text;
        return exit->status;
    }
    const int status = std::visit(Runner{arguments}, std::get<cli::Command>(parsed));
    if (std::cout.flush()) return status;
    std::cerr << "larder: cannot write the output\n";
    return status == cli::exit_fine ? cli::exit_wrong : status;
}
