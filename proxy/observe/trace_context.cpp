#include "observe/trace_context.hpp"

#include <algorithm>

namespace larder::observe {
namespace {

bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// An id of zeros is invalid (3.2.2.3).
bool is_id(std::string_view text) {
    return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

TraceContext parse_traceparent(std::string_view value) {
    constexpr std::size_t size = 55;  // version, trace id, span id and flags with their dashes
    if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
    const std::string_view version = value.substr(0, 2);
    const bool known = version == "00" && value.size() == size;
    const bool later = version != "00" && (value.size() == size || value[size] == '-');
    if (!is_lower_hex(version) || version == "ff" || (!known && !later)) return {};
    const TraceContext out{value.substr(3, 32), value.substr(36, 16)};
    if (!is_id(out.trace_id) || !is_id(out.span_id) || !is_lower_hex(value.substr(53, 2)))
        return {};
    return out;
}

}  // namespace larder::observe
