#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"

namespace larder::cli {

/// /advise's answer as paragraphs.
[[nodiscard]] std::string render_advice(std::string_view answer);

/// `larder advise`: what the traffic says about the running larder's configuration.
int run_advise(const AdviseOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace larder::cli
