#include "http/range.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/lists.hpp"

namespace larder::http {
namespace {

/// A position beyond 64 bits becomes UINT64_MAX, since both are beyond the end of any response.
std::optional<std::uint64_t> parse_position(std::string_view text) {
    const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
    if (!digits) return std::nullopt;
    return parse_decimal(text).value_or(UINT64_MAX);
}

std::optional<RangeSpec> parse_spec(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view left = text.substr(0, dash);
    const std::string_view right = text.substr(dash + 1);
    RangeSpec spec;
    spec.is_suffix = left.empty();
    const auto first = parse_position(spec.is_suffix ? right : left);
    if (!first) return std::nullopt;
    spec.first = *first;
    if (spec.is_suffix || right.empty()) return spec;
    const auto last = parse_position(right);
    if (!last || *last < spec.first) return std::nullopt;
    spec.last = *last;
    return spec;
}

}  // namespace

std::optional<std::vector<RangeSpec>> parse_byte_ranges(std::string_view value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || !iequals(value.substr(0, equals), "bytes"))
        return std::nullopt;
    std::vector<RangeSpec> specs;
    bool good = true;
    for_each_member(value.substr(equals + 1), [&](std::string_view member) {
        if (!good) return;
        const auto spec = parse_spec(member);
        good = spec && specs.size() < range_specs_max;
        if (good) specs.push_back(*spec);
    });
    if (!good || specs.empty()) return std::nullopt;
    return specs;
}

}  // namespace larder::http
