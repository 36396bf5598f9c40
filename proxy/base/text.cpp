#include "base/text.hpp"

#include <charconv>

namespace larder {

char* write_decimal(char* at, std::int64_t value) { return std::to_chars(at, at + 20, value).ptr; }

void append_decimal(std::string& out, std::int64_t value) {
    char digits[20];
    out.append(digits, write_decimal(digits, value));
}

std::string to_lower_copy(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

}  // namespace larder
