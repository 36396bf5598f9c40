#include "server/succession_messages.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redis/purge_text.hpp"

namespace larder::server::message {
namespace {

// The channel cannot send a larger body, so a purge of everything replaces it.
constexpr std::size_t lines_bytes_max = 4 * 1024 * 1024;

std::string bounded_lines(const std::vector<redis::PurgeItem>& items) {
    std::string lines = redis::to_lines(items);
    return lines.size() <= lines_bytes_max
               ? lines
               : redis::to_lines(std::vector{redis::purge_everything()});
}

// Removes the first line from `body` and returns it.
std::optional<std::string_view> take_line(std::string_view& body) {
    const std::size_t end = body.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    return line;
}

std::optional<Milliseconds> parse_time(std::string_view text) {
    constexpr std::uint64_t longest = 1'000'000'000'000;
    const std::optional<std::uint64_t> count = parse_decimal(text);
    if (!count || *count > longest) return std::nullopt;
    return Milliseconds(static_cast<std::int64_t>(*count));
}

}  // namespace

std::string to_body(const Hello& said) {
    return std::to_string(said.lifetime.count()) + '\n' + said.redis;
}

std::optional<Hello> parse_hello(std::string_view body) {
    const auto line = take_line(body);
    const auto lifetime = line ? parse_time(*line) : std::nullopt;
    if (!lifetime) return std::nullopt;
    return Hello{std::string(body), *lifetime};
}

std::string to_body(const Purge& said) {
    return std::to_string(said.number) + (said.delivered ? " delivered\n" : " owed\n") +
           bounded_lines(said.items);
}

std::optional<Purge> parse_purge(std::string_view body) {
    const auto line = take_line(body);
    if (!line) return std::nullopt;
    const std::size_t blank = std::min(line->find(' '), line->size());
    const auto number = parse_decimal(line->substr(0, blank));
    auto items = redis::parse_lines(body);
    if (!number || !items) return std::nullopt;
    return Purge{*number, line->substr(blank) == " delivered", std::move(*items)};
}

std::string to_body(const Later& said) {
    return std::to_string(said.due_in.count()) + '\n' + bounded_lines(said.items);
}

std::optional<Later> parse_later(std::string_view body) {
    const auto line = take_line(body);
    const auto due_in = line ? parse_time(*line) : std::nullopt;
    auto items = redis::parse_lines(body);
    if (!due_in || !items) return std::nullopt;
    return Later{*due_in, std::move(*items)};
}

std::string alive_body(SteadyTime sent) {
    const auto since_boot = std::chrono::floor<std::chrono::microseconds>(sent.time_since_epoch());
    return std::to_string(since_boot.count());
}

std::optional<SteadyTime> parse_alive(std::string_view body, SteadyTime now) {
    const std::optional<std::uint64_t> said = parse_decimal(body);
    const auto until_now = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
    if (!said) return std::nullopt;
    const auto sent = std::min(*said, static_cast<std::uint64_t>(until_now.count()));
    return SteadyTime(std::chrono::microseconds(static_cast<std::int64_t>(sent)));
}

}  // namespace larder::server::message
