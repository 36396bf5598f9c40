#include "admin/history_json.hpp"

#include <boost/json.hpp>

namespace larder::admin {
namespace {

namespace json = boost::json;

json::object to_series(const observe::Series& series, std::int64_t started) {
    json::array requests, asked, served, errors, saved, purges;
    for (const observe::Traffic& step : series.steps()) {
        requests.emplace_back(step.requests);
        asked.emplace_back(step.asked);
        served.emplace_back(step.served);
        errors.emplace_back(step.errors);
        saved.emplace_back(static_cast<double>(step.saved_nanoseconds) / 1e9);
        purges.emplace_back(step.purges);
    }
    return {{"begin", started + series.begin().count()},
            {"step_seconds", series.step().count()},
            {"requests", std::move(requests)},
            {"asked", std::move(asked)},
            {"served", std::move(served)},
            {"errors", std::move(errors)},
            {"origin_seconds_saved", std::move(saved)},
            {"purges", std::move(purges)}};
}

}  // namespace

json::object to_history(const observe::History& history,
                        std::chrono::system_clock::time_point started) {
    const std::int64_t start =
        std::chrono::duration_cast<std::chrono::seconds>(started.time_since_epoch()).count();
    const observe::LastReload reload = history.last_reload();
    json::value last;
    if (reload.happened)
        last = {{"successful", reload.successful},
                {"time", reload.unix_seconds},
                {"errors", reload.errors}};
    return {{"hour", to_series(history.hour(), start)},
            {"day", to_series(history.day(), start)},
            {"last_reload", std::move(last)}};
}

}  // namespace larder::admin
