#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/screen.hpp"

namespace larder::cli {

/// Two readings of /stats, to make rates of.
struct StatsReading {
    std::string current;                ///< JSON
    std::optional<std::string> before;  ///< JSON; none: figures since the start, without rates
    double seconds = 0;                 ///< between the two
};

/// The figures as text; paths are cut where they do not fit into a terminal. Throws std::exception
/// where it is not the JSON of /stats.
[[nodiscard]] std::string render_stats(const StatsReading& reading, const Screen& screen = {});

/// `larder stats`: prints once, or with --watch every second until it is ended; a terminal is
/// cleared before each. Returns the exit status.
int run_stats(const StatsOptions& options, const Screen& screen, std::ostream& out,
              std::ostream& errors);

}  // namespace larder::cli
