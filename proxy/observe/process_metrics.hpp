#pragma once
#include <prometheus/metric_family.h>

#include <optional>
#include <string_view>
#include <vector>

namespace larder::observe {

/// What Prometheus' own clients report of a process, in seconds and bytes. A figure that cannot be
/// read is absent.
struct ProcessFigures {
    std::optional<double> cpu_seconds;
    std::optional<double> start_time_seconds;  ///< since the Unix epoch
    std::optional<double> resident_bytes;
    std::optional<double> virtual_bytes;
    std::optional<double> open_fds;
    std::optional<double> max_fds;
};

/// The fields of /proc/self/stat (`stat`), with the boot time of /proc/stat's text. The process'
/// name may hold anything, parentheses and spaces too.
[[nodiscard]] ProcessFigures parse_process_stat(std::string_view stat, std::string_view system_stat,
                                                long ticks_per_second, long page_bytes);

/// Of this process, from /proc.
[[nodiscard]] ProcessFigures read_process_figures();

/// Adds the process_* families.
void append_process_families(const ProcessFigures& figures,
                             std::vector<prometheus::MetricFamily>& families);

}  // namespace larder::observe
