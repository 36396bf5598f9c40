#include "cli/top_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <boost/json.hpp>
#include <chrono>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "cli/admin_client.hpp"
#include "cli/printable.hpp"
#include "cli/screen.hpp"

namespace larder::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";
constexpr std::size_t keys_shown = 20;

std::string number_text(const json::value& value, std::string_view by) {
    if (by == "origin-time") return fmt::format("{:.1f}", value.to_number<double>());
    return fmt::format("{}", value.to_number<std::uint64_t>());
}

std::string cut_to(std::string line, const Screen& screen) {
    return (screen.is_terminal() ? cut(line, screen.width) : std::move(line)) + '\n';
}

}  // namespace

std::string render_top(std::string_view answer, const Screen& screen) {
    const json::object top = json::parse({answer.data(), answer.size()}).as_object();
    const std::string by(top.at("by").as_string());
    const std::string unit = by == "origin-time" ? "origin ms" : by;
    std::string out = cut_to(fmt::format("{:>12} {:>10}  {}", unit, "error", "key"), screen);
    for (const json::value& key : top.at("keys").as_array()) {
        out += cut_to(fmt::format("{:>12} {:>10}  {}", number_text(key.at("value"), by),
                                  number_text(key.at("error"), by),
                                  printable(std::string(key.at("key").as_string()))),
                      screen);
    }
    if (top.at("keys").as_array().empty()) out += "nothing was cached yet\n";
    return out;
}

int run_top(const TopOptions& options, const Screen& screen, std::ostream& out,
            std::ostream& errors) {
    const std::string path = "/top?by=" + options.by + "&limit=" + std::to_string(keys_shown);
    try {
        do {
            const AdminAnswer answer = ask_admin(options.admin, path, {}, std::chrono::seconds(10));
            if (answer.status != 200) throw std::runtime_error(describe_error(answer));
            out << (options.watch && screen.is_terminal() ? clear_screen : "")
                << render_top(answer.body, screen) << std::flush;
            if (options.watch) std::this_thread::sleep_for(std::chrono::seconds(1));
        } while (options.watch && out);
        return exit_fine;
    } catch (...) {
        return tell_failure(errors);
    }
}

}  // namespace larder::cli
