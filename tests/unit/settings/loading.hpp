#pragma once
#include <map>
#include <string>
#include <vector>

#include "settings/load_settings.hpp"

/// Loads a text for a test and keeps what was said about it.
namespace larder::settings {

struct Loaded {
    Settings settings;
    Problems problems;

    /// Each problem as `larder check` prints it, for a file named f.
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const Problem& problem : problems) out.push_back(to_text(problem, "f"));
        return out;
    }

    [[nodiscard]] std::string text() const {
        std::string out;
        for (const std::string& line : lines()) out += line + '\n';
        return out;
    }
};

inline Environment environment_of(std::map<std::string, std::string> variables) {
    return
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
        };
}

inline Loaded load(const std::string& text, std::map<std::string, std::string> variables = {}) {
    Loaded out;
    out.settings =
        load_settings_text(text, "f", out.problems, environment_of(std::move(variables)));
    return out;
}

}  // namespace larder::settings
