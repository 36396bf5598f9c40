#include "server/config_source.hpp"

#include "settings/check_settings.hpp"

namespace larder::server {

settings::Settings load(const ConfigSource& source, settings::Problems& problems) {
    settings::Settings settings = source.file.empty()
                                      ? settings::default_settings()
                                      : settings::load_settings(source.file, problems);
    settings::apply_overrides(source.overrides, settings, problems);
    if (!settings::has_errors(problems)) settings::check_settings(settings, problems);
    return settings;
}

std::string errors_of(const settings::Problems& problems, const std::string& file) {
    std::string text;
    for (const settings::Problem& problem : problems)
        if (problem.severity == settings::Problem::Severity::error)
            text += (text.empty() ? "" : "\n") + settings::to_text(problem, file);
    return text;
}

}  // namespace larder::server
