#include "cli/tail_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>
#include <stdexcept>

#include "base/percent.hpp"
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

/// Cuts a text that is too long; the last column shows that it was cut.
std::string cut(const std::string& text, std::size_t columns) {
    if (text.size() <= columns) return text;
    return columns == 0 ? std::string() : text.substr(0, columns - 1) + '~';
}

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
    const std::string took = time_text(event.at("milliseconds").to_number<double>());
    const double waited = event.at("origin_milliseconds").to_number<double>();
    const std::string origin = waited > 0 ? time_text(waited) : "-";
    if (screen.width == 0)
        return fmt::format("{} {} {} {} {} {} {} {} {}", time, client, method, target, status,
                           cache, detail.empty() ? "-" : detail, took, origin);
    const std::string word = detail.empty() ? cache : cache + ' ' + detail;
    const std::string before =
        fmt::format("{} {:<9} {:<6} ", time.substr(11, 8), cut(client, 15), cut(method, 7));
    const std::string after = fmt::format(" {:>3} {:<6} {:>8} {:>8}", status, word, took, origin);
    const std::size_t taken = before.size() + after.size();
    const std::size_t room =
        std::max(screen.width > taken ? screen.width - taken : 0, path_columns_min);
    const std::string line =
        cut(before + fmt::format("{:<{}}", cut(target, room), room) + after, screen.width);
    return std::string(colour_of(cache, status)) + line + "\x1b[0m";
}

int run_tail(const TailOptions& options, const Screen& screen, std::ostream& out,
             std::ostream& errors) {
    try {
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
    } catch (const std::exception& error) {
        errors << "larder: " << printable(error.what()) << '\n';
        return exit_wrong;
    }
}

}  // namespace larder::cli
