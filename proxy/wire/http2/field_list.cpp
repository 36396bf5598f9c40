#include "wire/http2/field_list.hpp"

#include "base/text.hpp"

namespace larder::wire::http2 {
namespace {

// nghttp2 copies the bytes and does not change them, but its interface lacks the const.
std::uint8_t* bytes_of(std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
    return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

void append_head(std::string_view lines, std::vector<nghttp2_nv>& list) {
    constexpr std::size_t before_status = std::string_view("HTTP/1.1 ").size();
    list.push_back(pair_of(":status", lines.substr(before_status, 3)));
    append_field_lines(lines.substr(lines.find('\n') + 1), list);
}

void append_field_lines(std::string_view lines, std::vector<nghttp2_nv>& list) {
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\r'), lines.size());
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 2, lines.size()));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) continue;
        list.push_back(pair_of(line.substr(0, colon), trim_ows(line.substr(colon + 1))));
    }
}

}  // namespace larder::wire::http2
