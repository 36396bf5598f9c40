#include "settings/problem.hpp"

#include <algorithm>

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

bool has_errors(const Problems& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
        return problem.severity == Problem::Severity::error;
    });
}

}  // namespace larder::settings
