#include "cli/config_commands.hpp"

#include <algorithm>
#include <optional>
#include <ostream>

#include "cache/request_bypass.hpp"
#include "flow/check_config.hpp"
#include "flow/explain_steps.hpp"
#include "flow/read_plan.hpp"
#include "redis/inspect.hpp"
#include "route/explain.hpp"
#include "settings/check_settings.hpp"
#include "settings/indented_json.hpp"
#include "settings/load_settings.hpp"
#include "settings/schema.hpp"

namespace larder::cli {
namespace {

struct Checked {
    settings::Settings settings;
    settings::Problems problems;
    route::RouteTable table;
};

Checked load(const std::string& file) {
    Checked checked;
    checked.settings = file.empty() ? settings::default_settings()
                                    : settings::load_settings(file, checked.problems);
    if (file.empty() && checked.settings.origin.servers.empty())
        checked.settings.origin.servers.push_back({false, {"127.0.0.1", 8000}});
    return checked;
}

// What the request itself changes about the route's answer, in the words of Cache-Status.
std::string request_text(const http::RequestHead& request, const route::CompiledRoute& route) {
    const cache::Detail bypass = cache::request_bypass(request, route.key_headers);
    if (bypass != cache::Detail::none)
        return "bypass    the request asks for what no cache can answer (" +
               std::string(cache::to_token(bypass)) + ")\n";
    const std::string text = flow::credentials_text(request, route);
    return text.empty() ? text : "answer    " + text + "\n";
}

bool is_warning(const settings::Problem& problem) {
    return problem.severity == settings::Problem::Severity::warning;
}

/// Lines of a label of ten columns and a text, which a terminal shows below each other.
void write_text(std::string_view lines, const Screen& screen, std::ostream& out) {
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        if (screen.is_terminal())
            out << wrapped(line, 10, screen.width) << '\n';
        else
            out << line << '\n';
    }
}

std::string_view to_word(redis::Inspection::Kind kind) {
    using Kind = redis::Inspection::Kind;
    if (kind == Kind::error) return "error";
    return kind == Kind::warning ? "warning" : "fact";
}

/// Tries the configured Redis; nothing where there is none.
std::optional<redis::Inspection> try_redis(const settings::Settings& settings) {
    if (!settings.redis || settings.redis->url.empty()) return std::nullopt;
    return redis::inspect_redis(*settings.redis);
}

void write_lines(const redis::Inspection& found, std::ostream& out) {
    constexpr std::size_t column = 13;
    for (const redis::Inspection::Line& line : found.lines) {
        out << "  " << line.name
            << std::string(column - std::min(column - 1, line.name.size()), ' ');
        if (line.kind != redis::Inspection::Kind::fact) out << to_word(line.kind) << ": ";
        out << line.text << '\n';
    }
}

boost::json::array to_json(const redis::Inspection& found) {
    boost::json::array lines;
    for (const redis::Inspection::Line& line : found.lines)
        lines.push_back(
            {{"level", to_word(line.kind)}, {"name", line.name}, {"message", line.text}});
    return lines;
}

}  // namespace

int run_check(const CheckOptions& options, std::ostream& out, std::ostream& errors) {
    Checked checked = load(options.config_file);
    checked.table = flow::check_config(checked.settings, checked.problems);
    const bool is_default = options.config_file.empty();
    // Nobody can mend the built-in default, so warnings about it help nobody.
    if (is_default) std::erase_if(checked.problems, is_warning);
    const std::string name = is_default ? "(embedded default)" : options.config_file;
    std::optional<redis::Inspection> found;
    if (options.redis) found = try_redis(checked.settings);
    const bool is_fine = !settings::has_errors(checked.problems) && !(found && found->has_errors());
    if (options.format == OutputFormat::json) {
        boost::json::object json = settings::to_json(checked.problems, name);
        if (options.redis) json["redis"] = to_json(found.value_or(redis::Inspection{}));
        out << settings::indented_json(json);
        return is_fine ? exit_fine : exit_wrong;
    }
    std::size_t wrong = 0;
    for (const settings::Problem& problem : checked.problems) {
        const bool error = problem.severity == settings::Problem::Severity::error;
        wrong += error;
        (error ? errors : out) << settings::to_text(problem, name) << '\n';
    }
    if (is_default)
        out << "no -c FILE is given, so this is the built-in default: what the origin's own "
               "headers allow is cached in memory\n";
    out << name << ": " << wrong << (wrong == 1 ? " error, " : " errors, ")
        << checked.problems.size() - wrong
        << (checked.problems.size() - wrong == 1 ? " warning\n" : " warnings\n");
    if (found) {
        out << "redis " << checked.settings.redis->url.masked() << '\n';
        write_lines(*found, out);
    } else if (options.redis) {
        out << "redis: off\n";
    }
    return is_fine ? exit_fine : exit_wrong;
}

int run_schema(std::ostream& out) {
    out << settings::indented_json(settings::config_schema());
    return exit_fine;
}

int run_explain(const ExplainOptions& options, const Screen& screen, std::ostream& out,
                std::ostream& errors) {
    Checked checked = load(options.config_file);
    settings::check_settings(checked.settings, checked.problems);
    checked.table = route::RouteTable::compile(checked.settings, checked.problems);
    if (settings::has_errors(checked.problems)) {
        for (const settings::Problem& problem : checked.problems)
            errors << settings::to_text(problem, options.config_file) << '\n';
        return exit_wrong;
    }
    const auto request =
        route::OfflineRequest::make(options.method, options.url, "", options.headers, options.body);
    if (!request) {
        errors << "larder explain: not a URL: " << options.url
               << " (expected a path like /articles/42, or a whole URL)\n";
        return exit_usage;
    }
    const route::Explanation explanation = route::explain(checked.table, request->head());
    write_text(route::to_text(explanation), screen, out);
    const std::size_t most = checked.settings.limits.key_body;
    if (explanation.readable && options.body.size() > most)
        write_text("bypass    the body is larger than limits.key_body (" + std::to_string(most) +
                       " bytes), so no key is made of it (detail=body)\n",
                   screen, out);
    if (explanation.readable)
        write_text(request_text(request->head(), *explanation.route), screen, out);
    std::size_t number = 0;
    for (const std::string& step :
         flow::explain_steps(explanation, request->head(), checked.settings)) {
        ++number;
        const std::string label = number == 1 ? "steps     " : std::string(10, ' ');
        const std::string line = label + std::to_string(number) + ". " + step;
        out << (screen.is_terminal() ? wrapped(line, 13, screen.width) : line) << '\n';
    }
    return exit_fine;
}

}  // namespace larder::cli
