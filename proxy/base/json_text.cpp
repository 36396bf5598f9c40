#include "base/json_text.hpp"

#include <charconv>
#include <cmath>

#include "base/utf8.hpp"

namespace larder {
namespace {

namespace json = boost::json;

void append_number(double value, std::string& out) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    // Outside of this range a number in fixed notation is mostly zeros and hard to read.
    const double size = std::abs(value);
    const bool plain = size == 0 || (size >= 1e-9 && size < 1e15);
    char digits[64];
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value, format).ptr);
}

// Requests and files bring any bytes, and Boost.JSON writes them as they are.
void append_text(std::string_view text, std::string& out) {
    out += is_utf8(text) ? json::serialize(json::string_view(text.data(), text.size()))
                         : json::serialize(json::string(valid_utf8(text)));
}

void append(const json::value& value, std::string& out) {
    const char* separator = "";
    if (value.is_object()) {
        out += '{';
        for (const auto& [key, member] : value.get_object()) {
            out += separator;
            append_text(key, out);
            out += ':';
            append(member, out);
            separator = ",";
        }
        out += '}';
    } else if (value.is_array()) {
        out += '[';
        for (const json::value& item : value.get_array()) {
            out += separator;
            append(item, out);
            separator = ",";
        }
        out += ']';
    } else if (value.is_double()) {
        append_number(value.get_double(), out);
    } else if (value.is_string()) {
        append_text(value.get_string(), out);
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

std::string json_text(const json::value& value) {
    std::string out;
    append(value, out);
    return out;
}

}  // namespace larder
