#include "settings/problem.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

namespace larder::settings {

std::string to_text(const Problem& problem, const std::string& file) {
    std::string out;
    const bool from_command_line = problem.path.starts_with("--");
    if (!file.empty() && !from_command_line) {
        out += file;
        if (problem.at.line > 0) {
            out += ':' + std::to_string(problem.at.line) + ':' + std::to_string(problem.at.column);
        }
        out += ": ";
    }
    out += problem.severity == Problem::Severity::error ? "error: " : "warning: ";
    if (!problem.path.empty()) out += problem.path + ": ";
    return out + problem.message;
}

boost::json::object to_json(const Problems& problems, const std::string& file) {
    boost::json::array errors, warnings;
    for (const Problem& problem : problems) {
        const bool from_command_line = problem.path.starts_with("--");
        boost::json::object item{{"file", from_command_line ? "" : file},
                                 {"line", problem.at.line},
                                 {"column", problem.at.column},
                                 {"path", problem.path},
                                 {"message", problem.message}};
        const bool is_error = problem.severity == Problem::Severity::error;
        (is_error ? errors : warnings).push_back(std::move(item));
    }
    return {{"errors", std::move(errors)}, {"warnings", std::move(warnings)}};
}

bool has_errors(const Problems& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
        return problem.severity == Problem::Severity::error;
    });
}

}  // namespace larder::settings
