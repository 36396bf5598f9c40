#pragma once
#include <functional>
#include <string>

#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace larder::settings {

/// Empty where the file can be opened for reading, else why not.
using FileCheck = std::function<std::string(const std::string& path)>;

FileCheck can_be_read();

/// What can only be judged of the whole: a missing origin, an admin open to the network without a
/// token, values that contradict each other, files that are not there. Errors forbid to serve,
/// warnings do not. Positions come from Settings::positions; a key that the file does not give has
/// that of what it is in, or none.
void check_settings(const Settings& settings, Problems& problems,
                    const FileCheck& file_check = can_be_read());

}  // namespace larder::settings
