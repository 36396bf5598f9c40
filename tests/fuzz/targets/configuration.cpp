#include "fuzz/fuzz.hpp"
#include "route/lint.hpp"
#include "route/route_table.hpp"
#include "settings/check_settings.hpp"
#include "settings/effective_config.hpp"
#include "settings/load_settings.hpp"

namespace larder::fuzz {
namespace {

std::optional<std::string> variable(const std::string& name) {
    if (name == "PORT") return "8080";
    if (name == "EMPTY") return "";
    return std::nullopt;
}

}  // namespace

// Any text as larder.yaml: loaded, checked, compiled, linted; its effective form loads again as the
// same.
void configuration(std::string_view input) {
    settings::Problems problems;
    const settings::Settings loaded =
        settings::load_settings_text(std::string(input), "fuzz.yaml", problems, variable);
    settings::check_settings(loaded, problems, [](const std::string&) { return std::string(); });
    for (const settings::Problem& problem : problems)
        require(!settings::to_text(problem, "fuzz.yaml").empty(), "problems have a text");
    if (settings::has_errors(problems)) return;

    const route::RouteTable table = route::RouteTable::compile(loaded, problems);
    if (!settings::has_errors(problems)) route::lint(table, loaded, problems);

    const std::string effective = settings::effective_config(loaded);
    settings::Problems again;
    const settings::Settings reloaded =
        settings::load_settings_text(effective, "effective", again, variable);
    require(!settings::has_errors(again), "the effective configuration loads");
    require(settings::effective_config(reloaded) == effective,
            "the effective configuration is the same again");
}

}  // namespace larder::fuzz
