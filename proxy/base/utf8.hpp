#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {

/// The UTF-8 sequence at the front of a text.
struct Utf8Sequence {
    std::size_t size = 0;     ///< 0: the text does not begin with a valid one
    std::uint32_t point = 0;  ///< Unicode code point
};

/// RFC 3629, 4: no overlong forms, no surrogates. The text is not empty.
[[nodiscard]] Utf8Sequence decode_utf8(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

/// The text with U+FFFD in place of each byte that is not UTF-8.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace larder
