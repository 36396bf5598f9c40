#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// Hexadecimal digits, for all formats of the program.
namespace larder {

/// The value of a digit of either case; -1 for any other character.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

inline constexpr std::string_view lower_hex_digits = "0123456789abcdef";
inline constexpr std::string_view upper_hex_digits = "0123456789ABCDEF";

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
