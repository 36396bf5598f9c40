#include "cli/screen.hpp"

#include <algorithm>

namespace larder::cli {

std::string cut(std::string_view text, std::size_t columns) {
    if (text.size() <= columns) return std::string(text);
    return columns == 0 ? std::string() : std::string(text.substr(0, columns - 1)) + '~';
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
    std::string out;
    std::size_t room = columns;
    while (text.size() > room) {
        // Blanks before the first word belong to it: a line of nothing but blanks says nothing.
        const std::size_t word = std::min(text.find_first_not_of(' '), text.size());
        std::size_t end = text.rfind(' ', room);
        if (end == std::string_view::npos || end <= word) end = text.find(' ', word);
        if (end == std::string_view::npos) break;
        out.append(text.substr(0, end)).append("\n").append(indent, ' ');
        text.remove_prefix(end + 1);
        room = columns > indent ? columns - indent : 1;
    }
    out.append(text);
    return out;
}

}  // namespace larder::cli
