#pragma once
#include <string_view>

#include "base/text.hpp"

namespace larder::cache {

/// The value of the first line of that name in a stored head; empty: none.
inline std::string_view head_value(std::string_view head, std::string_view name) {
    std::size_t end = head.find('\n');
    while (end != std::string_view::npos && end + 1 < head.size()) {
        const std::size_t start = end + 1;
        end = head.find('\n', start);
        std::string_view line =
            head.substr(start, end == std::string_view::npos ? end : end - start);
        if (line.size() <= name.size() || line[name.size()] != ':' ||
            !iequals(line.substr(0, name.size()), name))
            continue;
        if (line.ends_with('\r')) line.remove_suffix(1);
        return trim_ows(line.substr(name.size() + 1));
    }
    return {};
}

}  // namespace larder::cache
