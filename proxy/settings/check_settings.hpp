#pragma once
#include <functional>
#include <string>

#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace larder::settings {

/// Returns an empty text where the file can be opened for reading, else the reason why not.
using FileCheck = std::function<std::string(const std::string& path)>;

FileCheck can_be_read();

/// Checks what only the whole configuration shows: a missing origin, an admin open to the network
/// without a token, values that contradict each other, files that are not there. Larder must not
/// serve with an error; warnings are allowed. Positions come from Settings::positions. A key that
/// the file does not give has the position of the nearest key around it, or none.
void check_settings(const Settings& settings, Problems& problems,
                    const FileCheck& file_check = can_be_read());

}  // namespace larder::settings
