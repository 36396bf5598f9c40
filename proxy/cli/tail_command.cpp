#include "cli/tail_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>
#include <stdexcept>

#include "base/percent.hpp"
#include "cli/admin_client.hpp"
#include "cli/event_reader.hpp"
#include "cli/printable.hpp"

namespace larder::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t path_columns_min = 8;

std::string text_at(const json::object& event, const char* name) {
    return printable(std::string(event.at(name).as_string()));
}

std::string time_text(double milliseconds) {
    if (milliseconds >= 10'000) return fmt::format("{:.1f}s", milliseconds / 1000);
    return fmt::format("{:.1f}ms", milliseconds);
}

/// In six columns, so that more of the path is left.
std::string short_time_text(double milliseconds) {
    const bool is_short = milliseconds >= 99.95 && milliseconds < 10'000;
    return is_short ? fmt::format("{:.0f}ms", milliseconds) : time_text(milliseconds);
}

/// How a line of a terminal is laid out. A wide one has room for every reason, so that the columns
/// stand below each other; in 80 columns the path is worth more.
struct Layout {
    std::size_t word;  ///< of the X-Cache word and the reason, at least
    std::size_t width;

    explicit Layout(const Screen& screen)
        : word(screen.width >= wide ? 21 : 6), width(screen.width) {}

    /// What is left for the path beside texts of this length.
    [[nodiscard]] std::size_t room(std::size_t taken) const {
        return std::max(width > taken ? width - taken : 0, path_columns_min);
    }

    static constexpr std::size_t wide = 110;
};

std::string_view colour_of(const std::string& cache, std::int64_t status) {
    if (status >= 500 || status == 499) return "\x1b[31m";
    if (cache == "HIT" || cache == "UPDATING" || cache == "STALE" || cache == "REVALIDATED")
        return "\x1b[32m";
    return cache == "BYPASS" ? "\x1b[2m" : "\x1b[33m";
}

std::string path_of(const TailOptions& options) {
    std::string out = "/events";
    char separator = '?';
    for (const std::string& filter : options.filters) {
        out += separator;
        separator = '&';
        for (const char c : filter) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                               (c >= 'A' && c <= 'Z') || c == '=' || c == '-' || c == '.' ||
                               c == '/' || c == ':' || c == '_';
            if (plain) {
                out += c;
            } else {
                append_percent(out, static_cast<unsigned char>(c));
            }
        }
    }
    return out;
}

}  // namespace

std::string render_event(std::string_view data, const Screen& screen) {
    const json::object event = json::parse({data.data(), data.size()}).as_object();
    const std::string time = text_at(event, "time"), client = text_at(event, "client"),
                      method = text_at(event, "method"), target = text_at(event, "target"),
                      cache = text_at(event, "cache"), detail = text_at(event, "detail");
    const std::int64_t status = event.at("status").to_number<std::int64_t>();
    const auto milliseconds = event.at("milliseconds").to_number<double>();
    const auto waited = event.at("origin_milliseconds").to_number<double>();
    if (!screen.is_terminal())
        return fmt::format("{} {} {} {} {} {} {} {} {}", time, client, method, target, status,
                           cache, detail.empty() ? "-" : detail, time_text(milliseconds),
                           waited > 0 ? time_text(waited) : "-");
    const Layout layout(screen);
    const std::string word = detail.empty() ? cache : cache + ' ' + detail;
    const std::string before =
        fmt::format("{} {:<9} {:<6} ", time.substr(11, 8), cut(client, 15), cut(method, 7));
    const std::string after =
        fmt::format(" {:>3} {:<{}} {:>6} {:>6}", status, word, layout.word,
                    short_time_text(milliseconds), waited > 0 ? short_time_text(waited) : "-");
    const std::size_t room = layout.room(before.size() + after.size());
    const std::string line =
        cut(before + fmt::format("{:<{}}", cut(target, room), room) + after, screen.width);
    return std::string(colour_of(cache, status)) + line + "\x1b[0m";
}

std::string tail_heading(const Screen& screen) {
    const Layout layout(screen);
    const std::string before = fmt::format("{:<8} {:<9} {:<6} ", "time", "client", "method");
    const std::string after =
        fmt::format("{:>6} {:<{}} {:>6} {:>6}", "status", "cache", layout.word, "took", "origin");
    // The status has three columns and its name six: the name begins above the end of the path.
    const std::size_t room = layout.room(before.size() + after.size());
    return cut(before + fmt::format("{:<{}}", "path", room) + after, screen.width);
}

int run_tail(const TailOptions& options, const Screen& screen, std::ostream& out,
             std::ostream& errors) {
    try {
        if (screen.is_terminal() && !options.json)
            out << tail_heading(screen) << '\n' << std::flush;
        read_events(
            options.admin, path_of(options), [&](std::string_view name, std::string_view data) {
                if (options.json) {
                    out << data << '\n';
                } else if (name == "request") {
                    out << render_event(data, screen) << '\n';
                } else {
                    errors << "larder: this reader is too slow: events were lost: " << data << '\n';
                }
                return static_cast<bool>(out << std::flush);
            });
        return exit_fine;
    } catch (...) {
        return tell_failure(errors);
    }
}

}  // namespace larder::cli
