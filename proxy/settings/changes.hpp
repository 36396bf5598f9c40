#pragma once
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace larder::settings {

/// What differs between two configurations, a line each: `limits.max_object: 8MB, was 4MB`,
/// `routes "GET /tags": new`. Secrets are not shown: `admin.token: changed`.
[[nodiscard]] std::vector<std::string> changes(const Settings& before, const Settings& after);

}  // namespace larder::settings
