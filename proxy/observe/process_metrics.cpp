#include "observe/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/text.hpp"

namespace larder::observe {
namespace {

std::string read_file(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string_view next_word(std::string_view& rest) {
    const std::size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return {};
    const std::size_t end = std::min(rest.find_first_of(" \n", begin), rest.size());
    const std::string_view word = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return word;
}

std::optional<double> to_number(std::string_view word) {
    const auto value = parse_decimal(word);
    if (!value) return std::nullopt;
    return static_cast<double>(*value);
}

std::optional<double> boot_time(std::string_view system_stat) {
    constexpr std::string_view name = "\nbtime ";
    const std::size_t at = system_stat.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view rest = system_stat.substr(at + name.size());
    return to_number(next_word(rest));
}

std::optional<double> count_open_fds() {
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
         at.increment(error))
        ++count;
    if (error) return std::nullopt;
    return count - 1;  // the directory's own
}

std::optional<double> limit_of_fds() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

ProcessFigures parse_process_stat(std::string_view stat, std::string_view system_stat,
                                  long ticks_per_second, long page_bytes) {
    ProcessFigures figures;
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return figures;
    std::string_view rest = stat.substr(name_end + 1);

    // Numbered as in proc(5); the state, field 3, comes first.
    constexpr int user_time = 14, system_time = 15, start_time = 22, virtual_size = 23,
                  resident_pages = 24;
    std::optional<double> user, system, start;
    for (int field = 3; field <= resident_pages; ++field) {
        const std::optional<double> value = to_number(next_word(rest));
        if (field == user_time) user = value;
        if (field == system_time) system = value;
        if (field == start_time) start = value;
        if (field == virtual_size) figures.virtual_bytes = value;
        if (field == resident_pages && value)
            figures.resident_bytes = *value * static_cast<double>(page_bytes);
    }
    const auto ticks = static_cast<double>(ticks_per_second);
    if (user && system) figures.cpu_seconds = (*user + *system) / ticks;
    const std::optional<double> booted = boot_time(system_stat);
    if (start && booted) figures.start_time_seconds = *booted + *start / ticks;
    return figures;
}

ProcessFigures read_process_figures() {
    ProcessFigures figures =
        parse_process_stat(read_file("/proc/self/stat"), read_file("/proc/stat"),
                           sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE));
    figures.open_fds = count_open_fds();
    figures.max_fds = limit_of_fds();
    return figures;
}

void append_process_families(const ProcessFigures& figures,
                             std::vector<prometheus::MetricFamily>& families) {
    using prometheus::MetricType;
    const auto append = [&families](const char* name, const char* help, MetricType type,
                                    std::optional<double> value) {
        prometheus::MetricFamily family{name, help, type, {}};
        if (value) {
            auto& metric = family.metric.emplace_back();
            (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
        }
        families.push_back(std::move(family));
    };
    append("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
           figures.cpu_seconds);
    append("process_start_time_seconds", "Start of the process, since the Unix epoch.",
           MetricType::Gauge, figures.start_time_seconds);
    append("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
           figures.resident_bytes);
    append("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge,
           figures.virtual_bytes);
    append("process_open_fds", "Open file descriptors.", MetricType::Gauge, figures.open_fds);
    append("process_max_fds", "Limit of open file descriptors.", MetricType::Gauge,
           figures.max_fds);
}

}  // namespace larder::observe
