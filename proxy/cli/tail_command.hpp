#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/screen.hpp"

namespace larder::cli {

/// The line of one event (the JSON of /events), without the line end.
[[nodiscard]] std::string render_event(std::string_view data, const Screen& screen);

/// The line above the events of a terminal: what the columns are.
[[nodiscard]] std::string tail_heading(const Screen& screen);

/// `larder tail`: requests as they happen, until it is stopped.
int run_tail(const TailOptions& options, const Screen& screen, std::ostream& out,
             std::ostream& errors);

}  // namespace larder::cli
