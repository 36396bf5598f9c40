#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"

namespace larder::cli {

/// How lines are written: for a terminal of this width, or for a pipe.
struct Screen {
    std::size_t width = 0;  ///< columns; 0: no terminal, so nothing is cut and nothing is coloured
};

/// The line of one event (the JSON of /events), without the line end.
[[nodiscard]] std::string render_event(std::string_view data, const Screen& screen);

/// `larder tail`: requests as they happen, until it is stopped.
int run_tail(const TailOptions& options, const Screen& screen, std::ostream& out,
             std::ostream& errors);

}  // namespace larder::cli
