#pragma once
#include <iosfwd>
#include <optional>
#include <string>

#include "cli/command_line.hpp"

namespace larder::cli {

/// Routes for larder, drafted from an OpenAPI document (2.0 or 3, YAML or JSON): a read route for
/// each GET, with a key of the path and the query parameters that the document names, and a write
/// route for the other methods of a path, with what they probably change. Nothing: `fault` says
/// what is wrong with the document.
[[nodiscard]] std::optional<std::string> draft_routes(const std::string& document,
                                                      std::string& fault);

/// `larder routes --openapi FILE`: prints the draft as YAML.
int run_routes(const RoutesOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace larder::cli
