#pragma once
#include <optional>
#include <string>

#include "settings/environment.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"
#include "settings/shape.hpp"

/// Makes Settings from a file, a text, or nothing. The order is: load (or default),
/// apply_overrides, check_settings. Only check_settings reports what the whole shows (a missing
/// origin, an admin open to the network).
namespace larder::settings {

/// Reads a configuration file. Every fault is appended to `problems`, in the order of the file;
/// Settings that had errors hold defaults in their places and must not be used to serve.
Settings load_settings(const std::string& file, Problems& problems,
                       const Environment& environment = process_environment());

/// The same for a text; `name` becomes Settings::file.
Settings load_settings_text(const std::string& text, const std::string& name, Problems& problems,
                            const Environment& environment = process_environment());

/// What a configuration may hold at each of its places. The readers themselves give it; see Shape.
Shape describe_settings();

/// The settings without any file: every member's default, and one route that caches what the
/// origin's own fields allow.
Settings default_settings();

/// Where limits.max_object is not given and there is no Redis, makes its default no larger than
/// what memory keeps (largest_in_memory): larger objects would only fill buffers. For settings
/// whose `memory` or `redis` was replaced after loading.
void fit_default_max_object(Settings& settings);

/// Options of the command line that override the file. Absent: the file's value stays.
struct Overrides {
    std::vector<std::string> listen;    ///< --listen ADDR, each; none: those of the file stay
    std::optional<std::string> admin;   ///< --admin ADDR|off; the token stays
    std::optional<std::string> origin;  ///< --origin URL: the servers, the other options stay
    std::optional<std::string> redis;   ///< --redis URL|off: the url, the other options stay
};

/// A problem's path is the option ("--listen"); it has no position.
void apply_overrides(const Overrides& overrides, Settings& settings, Problems& problems);

}  // namespace larder::settings
