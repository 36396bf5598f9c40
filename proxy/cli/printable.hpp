#pragma once
#include <string>
#include <string_view>

namespace larder::cli {

/// For a terminal: control bytes become '?', so that a key or a path cannot send it commands. UTF-8
/// stays.
[[nodiscard]] inline std::string printable(std::string_view text) {
    std::string out(text);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto byte = static_cast<unsigned char>(out[i]);
        const bool is_c1 =
            byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0;
        if (byte < 0x20 || byte == 0x7f) out[i] = '?';
        if (is_c1) out[i] = out[i + 1] = '?';
    }
    return out;
}

}  // namespace larder::cli
