#include "server/config_source.hpp"

#include "flow/check_config.hpp"
#include "settings/check_settings.hpp"

namespace larder::server {
namespace {

settings::Settings read(const ConfigSource& source, settings::Problems& problems) {
    settings::Settings settings = source.file.empty()
                                      ? settings::default_settings()
                                      : settings::load_settings(source.file, problems);
    settings::apply_overrides(source.overrides, settings, problems);
    return settings;
}

}  // namespace

settings::Settings load(const ConfigSource& source, settings::Problems& problems) {
    settings::Settings settings = read(source, problems);
    settings::check_settings(settings, problems);
    return settings;
}

settings::Settings load_and_judge(const ConfigSource& source, settings::Problems& problems) {
    settings::Settings settings = read(source, problems);
    flow::check_config(settings, problems);
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
