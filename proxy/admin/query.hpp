#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::admin {

/// Calls `take` with each parameter of a query, its value percent-decoded once; a form's '+' is a
/// space, but not in `url`, since a URL has no spaces. Ends at the first complaint and returns it:
/// one of `take`, or one about a malformed escape or a control byte. Empty: nothing is wrong.
[[nodiscard]] std::string for_each_parameter(
    std::string_view query,
    const std::function<std::string(std::string_view name, std::string value)>& take);

/// Adds the field of a parameter `header=Name: value`. Returns what is wrong with it, or nothing.
[[nodiscard]] std::string add_header(const std::string& value,
                                     std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace larder::admin
