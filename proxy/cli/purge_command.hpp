#pragma once
#include <iosfwd>
#include <string>

#include "cli/command_line.hpp"

namespace larder::cli {

/// The body of POST /purge for what was asked: items with '*' are patterns, others keys; with --tag
/// all are tags.
[[nodiscard]] std::string make_purge_body(const PurgeOptions& options);

/// `larder purge`: asks a running larder and says what became of it. Returns the exit status.
int run_purge(const PurgeOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace larder::cli
