#pragma once
#include <optional>
#include <string>

#include "settings/environment.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"
#include "settings/shape.hpp"

/// From a file, a text, or nothing, to Settings. The order is: load (or default), apply_overrides,
/// check_settings; what may only be judged of the whole (a missing origin, an admin open to the
/// network) is check_settings' to say.
namespace larder::settings {

/// Reads a configuration file. Every fault is appended to `problems`, in the order of the file;
/// Settings that had errors hold defaults in their places and must not be used to serve.
Settings load_settings(const std::string& file, Problems& problems,
                       const Environment& environment = process_environment());

/// The same of a text; `name` is what stands for the file in Settings.
Settings load_settings_text(const std::string& text, const std::string& name, Problems& problems,
                            const Environment& environment = process_environment());

/// What a configuration may hold, at all of its places: found out by the readers themselves.
Shape describe_settings();

/// What holds without any file: every member's default, and one route that caches what the origin's
/// own fields grant.
Settings default_settings();

/// Where limits.max_object is not given and memory is all there is, the default is no larger than
/// that: it would only fill buffers with what cannot be kept. For settings whose `memory` or
/// `redis` was replaced after loading.
void fit_default_max_object(Settings& settings);

/// What the command line says, over the file. Absent: the file's word stands.
struct Overrides {
    std::vector<std::string> listen;    ///< --listen ADDR, each; none: those of the file stay
    std::optional<std::string> admin;   ///< --admin ADDR|off; the token stays
    std::optional<std::string> origin;  ///< --origin URL: the servers, the other options stay
    std::optional<std::string> redis;   ///< --redis URL|off: the url, the other options stay
};

/// Problems have the option for their path ("--listen") and no position.
void apply_overrides(const Overrides& overrides, Settings& settings, Problems& problems);

}  // namespace larder::settings
