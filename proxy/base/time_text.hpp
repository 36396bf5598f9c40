#pragma once
#include <string>

#include "base/clock.hpp"

namespace larder {

/// RFC 3339 in UTC with milliseconds: "2026-01-31T12:00:00.123Z". For years 0 to 9999.
std::string rfc3339_text(WallTime time);

}  // namespace larder
