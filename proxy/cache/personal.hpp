#pragma once
#include <string>
#include <vector>

#include "cache/outcome.hpp"
#include "http/credential_names.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// What the route's key says about whose entry it is.
struct KeyCoverage {
    bool has_authorization = false;  ///< {header:authorization} is in the key
    const std::vector<std::string>* cookies =
        nullptr;                     ///< the names of {cookie:...} in the key; null: none
    bool has_cookie_header = false;  ///< {header:cookie} is in the key: covers every cookie
    const http::CredentialNames* credentials =
        nullptr;  ///< further fields that carry an identity and are not in the key; null: none
};

/// Whether the request carries credentials that neither the key nor `ignore` covers. Such a request
/// may only be answered with a response that the origin marked as shared, and only such a response
/// to it may be stored. Returns `none`, `authorization` (for the fields of `credentials` too) or
/// `cookie`.
Detail personal(const http::RequestHead& request, const settings::Route& rule,
                const KeyCoverage& coverage);

}  // namespace larder::cache
