#pragma once
#include <string_view>

#include "base/text.hpp"

namespace larder::settings {

/// Removes the scheme from the front of a URL. False where the URL has another. Case does not
/// matter (RFC 3986, 3.1).
inline bool take_scheme(std::string_view& url, std::string_view scheme) {
    if (!iequals(url.substr(0, scheme.size()), scheme)) return false;
    url.remove_prefix(scheme.size());
    return true;
}

}  // namespace larder::settings
