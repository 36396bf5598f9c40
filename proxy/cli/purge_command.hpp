#pragma once
#include <iosfwd>
#include <string>

#include "cli/command_line.hpp"

namespace larder::cli {

/// The body of POST /purge for these options: items with '*' are patterns, others keys; with --tag
/// all are tags, with --url all are URLs.
[[nodiscard]] std::string make_purge_body(const PurgeOptions& options);

/// `larder purge`: asks a running larder to purge, and prints the result. Returns the exit status.
int run_purge(const PurgeOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace larder::cli
