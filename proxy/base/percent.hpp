#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.hpp"

/// Percent-encoding (RFC 3986, 2.1), for all formats of the program. Each format decides for itself
/// which bytes it encodes.
namespace larder {

/// Appends the byte as "%4F".
inline void append_percent(std::string& out, unsigned char byte) {
    const char triple[] = {'%', upper_hex_digits[byte >> 4], upper_hex_digits[byte & 15]};
    out.append(triple, sizeof triple);
}

/// next_decoded returns this for a '%' without two hex digits after it. No byte has this value.
inline constexpr int malformed_percent = 256;

/// Decodes the byte or the %HH at `at`, and moves `at` past it. A malformed '%' moves `at` by one.
constexpr int next_decoded(std::string_view raw, std::size_t& at) {
    const char c = raw[at++];
    if (c != '%') return static_cast<unsigned char>(c);
    if (at + 2 > raw.size()) return malformed_percent;
    const int high = hex_value(raw[at]);
    const int low = hex_value(raw[at + 1]);
    if (high < 0 || low < 0) return malformed_percent;
    at += 2;
    return high * 16 + low;
}

/// The text with every %HH decoded once. std::nullopt if a '%' is malformed.
inline std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const int byte = next_decoded(text, at);
        if (byte == malformed_percent) return std::nullopt;
        out.push_back(static_cast<char>(byte));
    }
    return out;
}

}  // namespace larder
