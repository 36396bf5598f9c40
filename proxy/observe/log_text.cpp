#include "observe/log_text.hpp"

#include "base/hex.hpp"
#include "base/json_string.hpp"

namespace larder::observe {
namespace {

struct Cut {
    std::string_view kept;
    bool shortened;
};

Cut cut(std::string_view value) {
    if (value.size() <= logged_bytes_max) return {value, false};
    return {value.substr(0, logged_bytes_max), true};
}

void append_escaped(std::string& out, std::string_view value, bool quotes) {
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (quotes && (c == '"' || c == '\\')) {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte > 0x7e) {
            out += "\\x";
            append_hex(out, byte);
        } else {
            out += c;
        }
    }
}

}  // namespace

void append_quoted(std::string& out, std::string_view value) {
    if (value.empty()) {
        out += '-';
        return;
    }
    const auto [kept, shortened] = cut(value);
    out += '"';
    append_escaped(out, kept, true);
    if (shortened) out += "...";
    out += '"';
}

void append_plain(std::string& out, std::string_view value) { append_escaped(out, value, false); }

void append_json_value(std::string& out, std::string_view value) {
    const auto [kept, shortened] = cut(value);
    out += '"';
    append_json_escaped(out, kept);
    if (shortened) out += "...";
    out += '"';
}

}  // namespace larder::observe
