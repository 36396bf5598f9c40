#pragma once
#include <memory>

#include "flow/services.hpp"
#include "observe/metrics.hpp"
#include "settings/problem.hpp"

namespace larder::server {

/// Compiles everything that is derived from checked settings. Appends what is wrong to `problems`;
/// null then. `before`: what is in force until now, null at the start.
std::shared_ptr<const flow::Config> make_config(settings::Settings settings,
                                                observe::Metrics& metrics,
                                                settings::Problems& problems,
                                                const flow::Config* before);

}  // namespace larder::server
