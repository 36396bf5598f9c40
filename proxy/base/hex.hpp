#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Hexadecimal digits and percent-encoding (RFC 3986, 2.1), as all formats of the program need
/// them. Which bytes are encoded is each format's own business.
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

/// "4f"
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

/// "%4F"
inline void append_percent(std::string& out, unsigned char byte) {
    const char triple[] = {'%', upper_hex_digits[byte >> 4], upper_hex_digits[byte & 15]};
    out.append(triple, sizeof triple);
}

/// The text with each %HH made the byte; nothing where a '%' is not followed by two digits.
inline std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out.push_back(text[at]);
            continue;
        }
        if (text.size() - at < 3) return std::nullopt;
        const int high = hex_value(text[at + 1]);
        const int low = hex_value(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
    return out;
}

}  // namespace larder
