#pragma once
#include <iosfwd>

#include "cli/command_line.hpp"
#include "cli/screen.hpp"

namespace larder::cli {

/// `larder check`: every error and warning of a configuration with its position. 1 where there is
/// an error.
int run_check(const CheckOptions& options, std::ostream& out, std::ostream& errors);

/// `larder schema`: the JSON Schema of the configuration.
int run_schema(std::ostream& out);

/// `larder explain`: what would happen to a request, from the configuration alone.
int run_explain(const ExplainOptions& options, const Screen& screen, std::ostream& out,
                std::ostream& errors);

}  // namespace larder::cli
