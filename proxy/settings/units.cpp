#include "settings/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace larder::settings {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 3> size_units{
    {{"GB", 1ULL << 30}, {"MB", 1ULL << 20}, {"KB", 1ULL << 10}}};

constexpr std::uint64_t milliseconds_max = std::chrono::milliseconds(duration_max).count();
constexpr std::size_t fraction_digits_max = 9;

std::string_view take_digits(std::string_view& text) {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    const std::string_view digits = text.substr(0, count);
    text.remove_prefix(count);
    return digits;
}

/// The value of the `digits` after the decimal point, times `factor`. Nothing where that is not a
/// whole number.
std::optional<std::uint64_t> scale_fraction(std::string_view digits, std::uint64_t factor) {
    const auto value = parse_decimal(digits);
    if (!value || digits.size() > fraction_digits_max) return std::nullopt;
    std::uint64_t divisor = 1;
    for (std::size_t i = 0; i < digits.size(); ++i) divisor *= 10;
    const std::uint64_t scaled = *value * factor;  // below 10^9 * 10^8
    if (scaled % divisor != 0) return std::nullopt;
    return scaled / divisor;
}

template <std::size_t count>
std::string with_unit(std::uint64_t value, const std::array<Unit, count>& units,
                      std::string_view otherwise) {
    for (const Unit& unit : units)
        if (value >= unit.factor && value % unit.factor == 0)
            return std::to_string(value / unit.factor) + std::string(unit.name);
    return std::to_string(value) + std::string(otherwise);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto whole = parse_decimal(take_digits(text));
    if (!whole) return std::nullopt;
    std::string_view fraction = "0";
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = take_digits(text);
    }
    for (const Unit& unit : duration_units) {
        if (text != unit.name && !(text.empty() && unit.name == "s")) continue;
        const auto part = scale_fraction(fraction, unit.factor);
        if (!part || *whole > milliseconds_max / unit.factor) return std::nullopt;
        const std::uint64_t total = *whole * unit.factor + *part;
        if (total > milliseconds_max) return std::nullopt;
        return std::chrono::milliseconds(total);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto number = parse_decimal(take_digits(text));
    if (!number) return std::nullopt;
    if (text.empty()) return number;
    for (const Unit& unit : size_units) {
        if (!iequals(text, unit.name)) continue;
        if (*number > UINT64_MAX / unit.factor) return std::nullopt;
        return *number * unit.factor;
    }
    return std::nullopt;
}

std::optional<double> parse_percentage(std::string_view text) {
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || end != text.data() + text.size() || !(value <= 100))
        return std::nullopt;
    return value / 100;
}

std::optional<bool> parse_switch(std::string_view text) {
    for (std::string_view word : {"on", "true", "yes"})
        if (iequals(text, word)) return true;
    for (std::string_view word : {"off", "false", "no"})
        if (iequals(text, word)) return false;
    return std::nullopt;
}

std::string duration_text(std::chrono::milliseconds duration) {
    if (duration.count() <= 0) return "0s";
    return with_unit(static_cast<std::uint64_t>(duration.count()), duration_units, "ms");
}

std::string size_text(std::uint64_t bytes) { return with_unit(bytes, size_units, ""); }

}  // namespace larder::settings
