#include "cli/stats_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cli/admin_client.hpp"
#include "cli/printable.hpp"

namespace larder::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t routes_shown_max = 40;
constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";

double number_at(const json::value& value, std::string_view pointer) {
    return value.at_pointer({pointer.data(), pointer.size()}).to_number<double>();
}

std::string text_at(const json::value& value, std::string_view pointer) {
    return printable(std::string(value.at_pointer({pointer.data(), pointer.size()}).as_string()));
}

std::string percent(const json::value& ratio) {
    return ratio.is_null() ? "-" : fmt::format("{:.1f} %", ratio.to_number<double>() * 100);
}

std::string size_text(double bytes) {
    constexpr const char* units[] = {"B", "KB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
    return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

/// How many requests the cache served, and how many asked it, from the counts by X-Cache word. The
/// hit rate between two readings needs both.
struct Hits {
    double served = 0;
    double asked = 0;
};

Hits hits_of(const json::value& stats) {
    Hits out;
    for (const auto& word : stats.at("requests").at("by_cache_status").as_object()) {
        const auto requests = word.value().to_number<double>();
        if (word.key() == "HIT" || word.key() == "UPDATING" || word.key() == "STALE")
            out.served += requests;
        if (word.key() != "BYPASS") out.asked += requests;
    }
    return out;
}

std::string redis_text(const json::value& stats) {
    const json::value& redis = stats.at("redis");
    if (!redis.at("configured").as_bool()) return "off";
    return redis.at("up").as_bool() ? "up" : "down (breaker " + text_at(redis, "/breaker") + ")";
}

/// Health checks say "down"; without them only an attempt to connect shows that nobody is there.
std::string state_word(const json::value& origin) {
    const json::value& up = origin.at("up");
    if (up.is_bool() && !up.as_bool()) return "down";
    const json::value* found = origin.as_object().if_contains("addresses");
    const json::array addresses = found == nullptr ? json::array{} : found->as_array();
    const bool is_reachable =
        addresses.empty() ||
        std::any_of(addresses.begin(), addresses.end(),
                    [](const json::value& one) { return one.at("reachable").as_bool(); });
    return is_reachable ? "up" : "cannot be reached";
}

std::string origin_text(const json::value& stats) {
    std::string out;
    for (const json::value& origin : stats.at("origins").as_array()) {
        if (!out.empty()) out += ", ";
        out += text_at(origin, "/server") + ' ' + state_word(origin);
    }
    return out.empty() ? "-" : out;
}

std::string duration_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds);
    const std::uint64_t minutes = whole / 60, hours = minutes / 60;
    if (minutes < 2) return fmt::format("{} s", whole);
    if (hours < 2) return fmt::format("{} min", minutes);
    if (hours < 48) return fmt::format("{} h {} min", hours, minutes % 60);
    return fmt::format("{} d {} h", hours / 24, hours % 24);
}

std::string head_text(const json::value& now, const json::value* before, double seconds) {
    std::string out = fmt::format(
        "larder {}, up for {}, {:.0f} client connections\n", text_at(now, "/version"),
        duration_text(number_at(now, "/uptime_seconds")), number_at(now, "/client_connections"));
    out +=
        fmt::format("requests {:.0f}, hit rate {}, coalesced {:.0f}, purges pending {:.0f}\n",
                    number_at(now, "/requests/total"), percent(now.at("requests").at("hit_ratio")),
                    number_at(now, "/requests/coalesced"), number_at(now, "/purges/pending"));
    if (before != nullptr && seconds > 0) {
        const double requests =
            number_at(now, "/requests/total") - number_at(*before, "/requests/total");
        const Hits hits = hits_of(now), hits_before = hits_of(*before);
        const double asked = hits.asked - hits_before.asked;
        out += fmt::format(
            "now {:.1f} requests/s, hit rate {}\n", requests / seconds,
            asked > 0 ? fmt::format("{:.1f} %", (hits.served - hits_before.served) / asked * 100)
                      : "-");
    }
    out += fmt::format("memory {} in {:.0f} entries, redis {}, origin {}\n",
                       size_text(number_at(now, "/memory/bytes")),
                       number_at(now, "/memory/entries"), redis_text(now), origin_text(now));
    return out;
}

/// What Redis has refused, with the remedy; nothing where all is well.
std::string troubles_text(const json::value& now, const Screen& screen) {
    std::string out;
    for (const json::value& trouble : now.at("redis").at("troubles").as_array()) {
        const std::string remedy = text_at(trouble, "/remedy");
        const std::string line = fmt::format(
            "redis trouble for {}: {}{}{}", duration_text(number_at(trouble, "/for_seconds")),
            text_at(trouble, "/text"), remedy.empty() ? "" : "; ", remedy);
        out += (screen.is_terminal() ? wrapped(line, 4, screen.width) : line) + '\n';
    }
    return out;
}

std::string latency_text(const json::value& now) {
    std::string out = fmt::format("\n{:<12} {:>12} {:>10} {:>10} {:>10} {:>10}\n", "X-Cache",
                                  "requests", "mean ms", "p50 ms", "p90 ms", "p99 ms");
    for (const auto& word : now.at("latency").as_object()) {
        const json::value& latency = word.value();
        out += fmt::format("{:<12} {:>12.0f} {:>10.3f} {:>10.3f} {:>10.3f} {:>10.3f}\n",
                           printable({word.key().data(), word.key().size()}),
                           number_at(latency, "/count"), number_at(latency, "/mean_ms"),
                           number_at(latency, "/p50_ms"), number_at(latency, "/p90_ms"),
                           number_at(latency, "/p99_ms"));
    }
    return out;
}

/// A percentile of a route; of no request there is none.
std::string percentile_text(const json::value& route, std::string_view pointer) {
    if (number_at(route, "/latency/count") == 0) return "-";
    return fmt::format("{:.3f}", number_at(route, pointer));
}

/// As wide as the longest path, or as the terminal has room for.
std::size_t path_columns(const std::vector<const json::value*>& routes, const Screen& screen) {
    constexpr std::size_t least = 12, others = 49;
    if (screen.is_terminal())
        return std::max(screen.width > others ? screen.width - others : 0, least);
    std::size_t longest = 30;
    for (const json::value* route : routes)
        longest = std::max(longest, text_at(*route, "/path").size());
    return longest;
}

std::string routes_text(const json::value& now, const Screen& screen) {
    std::vector<const json::value*> routes;
    for (const json::value& route : now.at("routes").as_array()) routes.push_back(&route);
    std::stable_sort(routes.begin(), routes.end(), [](const auto* a, const auto* b) {
        return number_at(*a, "/total") > number_at(*b, "/total");
    });
    const std::size_t columns = path_columns(routes, screen);
    std::string out = fmt::format("\n{:<{}} {:>10} {:>8} {:>9} {:>9} {:>8}\n", "path", columns,
                                  "requests", "hit rate", "p50 ms", "p99 ms", "saved s");
    for (std::size_t i = 0; i < std::min(routes.size(), routes_shown_max); ++i) {
        const json::value& route = *routes[i];
        out += fmt::format(
            "{:<{}} {:>10.0f} {:>8} {:>9} {:>9} {:>8.1f}\n", cut(text_at(route, "/path"), columns),
            columns, number_at(route, "/total"), percent(route.at("hit_ratio")),
            percentile_text(route, "/latency/p50_ms"), percentile_text(route, "/latency/p99_ms"),
            number_at(route, "/origin_seconds_saved"));
    }
    if (routes.size() > routes_shown_max)
        out += fmt::format("and {} more\n", routes.size() - routes_shown_max);
    return out;
}

std::string read_stats(const StatsOptions& options) {
    AdminAnswer answer = ask_admin(options.admin, "/stats", {}, std::chrono::seconds(10));
    if (answer.status != 200) throw std::runtime_error(describe_error(answer));
    return std::move(answer.body);
}

}  // namespace

std::string render_stats(const StatsReading& reading, const Screen& screen) {
    const json::value now = json::parse(reading.current);
    std::optional<json::value> before;
    if (reading.before) before = json::parse(*reading.before);
    return head_text(now, before ? &*before : nullptr, reading.seconds) +
           troubles_text(now, screen) + latency_text(now) + routes_text(now, screen);
}

int run_stats(const StatsOptions& options, const Screen& screen, std::ostream& out,
              std::ostream& errors) {
    try {
        if (options.ready) {
            const AdminAnswer answer =
                ask_admin(options.admin, "/readyz", {}, std::chrono::seconds(2));
            if (answer.status != 200) throw std::runtime_error(describe_error(answer));
            if (answer.body.find("\"status\":\"ready\"") == std::string::npos)
                throw std::runtime_error(options.admin.url +
                                         " answers, but is not larder's admin address");
            return exit_fine;
        }
        StatsReading reading;
        Clock::time_point read_at;
        do {
            reading.current = read_stats(options);
            const Clock::time_point now = Clock::now();
            reading.seconds = std::chrono::duration<double>(now - read_at).count();
            const std::string text = options.json ? reading.current : render_stats(reading, screen);
            const bool clears = options.watch && screen.is_terminal() && !options.json;
            out << (clears ? clear_screen : "") << text << std::flush;
            reading.before = std::move(reading.current);
            read_at = now;
            if (options.watch) std::this_thread::sleep_for(std::chrono::seconds(1));
        } while (options.watch && out);
        return exit_fine;
    } catch (...) {
        return tell_failure(errors);
    }
}

}  // namespace larder::cli
