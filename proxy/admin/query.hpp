#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace larder::admin {

/// Calls `take` with each parameter of a query, its value percent-decoded once; a form's '+' is a
/// space, but not in `url`, since a URL has no spaces. Ends at the first complaint and returns it:
/// one of `take`, or one about a malformed escape or a control byte. Empty: nothing is wrong.
[[nodiscard]] std::string for_each_parameter(
    std::string_view query,
    const std::function<std::string(std::string_view name, std::string value)>& take);

}  // namespace larder::admin
