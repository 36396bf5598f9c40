#include "base/json_string.hpp"

#include <cstdint>

#include "base/hex.hpp"

namespace larder {
namespace {

// The UTF-8 sequence at the front of a text. `size` is 0 if the text does not begin with a valid
// one (RFC 3629, 4: no overlong forms, no surrogates).
struct Decoded {
    std::size_t size = 0;
    std::uint32_t point = 0;
};

Decoded decode_utf8(std::string_view text) {
    const auto byte = [&text](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return {1, lead};
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
    std::uint32_t point = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        point = point << 6 | (byte(i) & 0x3f);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return {};
    return {size, point};
}

void append_code_point(std::string& out, std::uint32_t point) {
    out += "\\u";
    append_hex(out, static_cast<unsigned char>(point >> 8));
    append_hex(out, static_cast<unsigned char>(point));
}

bool needs_escape(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029;
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const Decoded next = decode_utf8(text);
        if (next.size == 0) {
            out += "\\ufffd";
            text.remove_prefix(1);
            continue;
        }
        if (next.point == '"' || next.point == '\\') {
            out += '\\';
            out += text.front();
        } else if (needs_escape(next.point)) {
            append_code_point(out, next.point);
        } else {
            out += text.substr(0, next.size);
        }
        text.remove_prefix(next.size);
    }
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    append_json_escaped(out, text);
    out += '"';
}

}  // namespace larder
