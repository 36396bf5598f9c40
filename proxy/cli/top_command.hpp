#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/screen.hpp"

namespace larder::cli {

/// The table of /top's answer.
[[nodiscard]] std::string render_top(std::string_view answer, const Screen& screen);

/// `larder top`: the keys that matter most; with --watch again every second, until it is stopped.
int run_top(const TopOptions& options, const Screen& screen, std::ostream& out,
            std::ostream& errors);

}  // namespace larder::cli
