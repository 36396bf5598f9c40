#include "base/json_string.hpp"

#include <cstdint>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace larder {
namespace {

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
        const Utf8Sequence next = decode_utf8(text);
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
