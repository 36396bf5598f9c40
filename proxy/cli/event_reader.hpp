#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"

namespace larder::cli {

/// Takes a server-sent event: its name and its data. False: enough.
using TakeEvent = std::function<bool(std::string_view name, std::string_view data)>;

/// Reads events from the admin server until `take` has enough. Throws std::runtime_error with a
/// readable line where the server cannot be reached, refuses, or ends the connection.
void read_events(const AdminTarget& admin, const std::string& path, const TakeEvent& take);

/// Takes whole events off the front of `text` (HTML standard, 9.2), and leaves what is incomplete.
/// False: `take` had enough.
bool take_events(std::string& text, const TakeEvent& take);

}  // namespace larder::cli
