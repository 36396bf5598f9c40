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

/// Whether a response that is so marked (Freshness) may answer a request with such credentials.
/// `reason`: what `personal` says of the request.
constexpr bool answers_credentials(Detail reason, bool shared, bool shared_if_authorized) {
    return reason == Detail::none || shared ||
           (reason == Detail::authorization && shared_if_authorized);
}

/// Whether the request carries credentials that neither the key nor `ignore` covers. Such a request
/// may only be answered with a response that the origin marked as shared, and only such a response
/// to it may be stored. Returns `none`, `cookie`, or `authorization` (for the fields of
/// `credentials` too) where there is no such cookie: the origin shares less for cookies.
Detail personal(const http::RequestHead& request, const settings::Route& rule,
                const KeyCoverage& coverage);

}  // namespace larder::cache
