#pragma once
#include <memory>

#include "flow/services.hpp"
#include "observe/metrics.hpp"
#include "settings/problem.hpp"

namespace larder::server {

/// Compiles everything derived from checked settings. Null: appended a problem to `problems`.
/// `before`: the configuration in force until now, null at the start.
std::shared_ptr<const flow::Config> make_config(settings::Settings settings,
                                                observe::Metrics& metrics,
                                                settings::Problems& problems,
                                                const flow::Config* before);

}  // namespace larder::server
