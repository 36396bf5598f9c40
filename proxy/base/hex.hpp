#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Hexadecimal digits, for all formats of the program.
namespace larder {

inline constexpr std::string_view lower_hex_digits = "0123456789abcdef";
inline constexpr std::string_view upper_hex_digits = "0123456789ABCDEF";

namespace detail {

consteval std::array<std::int8_t, 256> hex_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::int8_t value = 0; value < 16; ++value) {
        const auto at = static_cast<std::size_t>(value);
        values[static_cast<unsigned char>(lower_hex_digits[at])] = value;
        values[static_cast<unsigned char>(upper_hex_digits[at])] = value;
    }
    return values;
}
inline constexpr std::array<std::int8_t, 256> hex_value_of = hex_values();

}  // namespace detail

/// The value of a digit of either case; -1 for any other character.
constexpr int hex_value(char c) { return detail::hex_value_of[static_cast<unsigned char>(c)]; }

/// Appends the byte as "4f".
inline void append_hex(std::string& out, unsigned char byte) {
    out.push_back(lower_hex_digits[byte >> 4]);
    out.push_back(lower_hex_digits[byte & 15]);
}

/// Sixteen digits.
inline std::string hex_of(std::uint64_t value) {
    std::string out(16, '0');
    for (auto digit = out.rbegin(); digit != out.rend(); ++digit, value >>= 4)
        *digit = lower_hex_digits[value & 15];
    return out;
}

}  // namespace larder
