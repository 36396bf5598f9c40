#include "admin/query.hpp"

#include <algorithm>
#include <optional>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace larder::admin {
namespace {

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string spaced(text);
    if (plus_is_space) std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decoded(spaced);
}

bool has_control_bytes(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::string for_each_parameter(
    std::string_view query,
    const std::function<std::string(std::string_view name, std::string value)>& take) {
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.empty()) continue;
        const std::string_view name = part.substr(0, part.find('='));
        auto value = decode(part.substr(std::min(name.size() + 1, part.size())), name != "url");
        if (!value) return "a % must be followed by two hexadecimal digits";
        if (has_control_bytes(*value)) return std::string(name) + " must not hold control bytes";
        std::string complaint = take(name, *std::move(value));
        if (!complaint.empty()) return complaint;
    }
    return {};
}

std::string add_header(const std::string& value,
                       std::vector<std::pair<std::string, std::string>>& headers) {
    const std::size_t colon = value.find(':');
    if (colon == 0 || colon == std::string::npos)
        return "header must be like header=Accept:%20text/html";
    headers.emplace_back(value.substr(0, colon),
                         trim_ows(std::string_view(value).substr(colon + 1)));
    return {};
}

}  // namespace larder::admin
