#include "flow/check_config.hpp"

#include <algorithm>

#include "route/examples.hpp"
#include "route/lint.hpp"
#include "settings/check_settings.hpp"

namespace larder::flow {

route::RouteTable check_config(const settings::Settings& settings, settings::Problems& problems) {
    settings::check_settings(settings, problems);
    route::RouteTable table = route::RouteTable::compile(settings, problems);
    // The routes' own errors would only be told again in other words.
    const bool routes_hold =
        std::none_of(problems.begin(), problems.end(), [](const settings::Problem& problem) {
            return problem.severity == settings::Problem::Severity::error &&
                   problem.path.starts_with("routes");
        });
    if (!routes_hold) return table;
    route::lint(table, settings, problems);
    route::run_examples(table, settings, problems);
    return table;
}

}  // namespace larder::flow
