#pragma once
#include <boost/beast/http/fields.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "settings/settings.hpp"

/// Who may use the admin server. Browsers are the danger: a page from any site can make a browser
/// send requests to loopback.
namespace larder::admin {

/// Where a request may show its token, besides `Authorization: Bearer TOKEN` (RFC 6750, 2.1).
enum class TokenField : std::uint8_t {
    bearer,
    fastly,      ///< Fastly-Key
    cloudflare,  ///< X-Auth-Key
};

/// The sender of a request, as its token identifies it.
struct Visitor {
    std::string token;  ///< its name; empty: none is needed, or it has no name
    settings::AdminRights may;
};

/// The owner of the request's token; everybody may do everything where no token is configured.
/// Nothing: the token is needed, and missing or wrong. The time does not tell which tokens there
/// are.
[[nodiscard]] std::optional<Visitor> identify(const boost::beast::http::fields& fields,
                                              TokenField field, const settings::Admin& admin);

/// Whether a browser sent the request: it shows one of the fields that scripts of a page cannot
/// keep browsers from sending. Programs may show them too.
[[nodiscard]] bool is_from_browser(const boost::beast::http::fields& fields);

/// Whether the Host can name only this machine: an address, or localhost. Browsers need it where no
/// token is set, for reading too, because an attacker's DNS can point any other name at loopback
/// and read answers through the user's browser (DNS rebinding). A missing Host (HTTP/1.0) counts as
/// local.
[[nodiscard]] bool has_local_host(const boost::beast::http::fields& fields);

/// Whether a browser sent the request for a page from another site (Fetch Metadata; RFC 6454, 7).
/// Programs like curl send neither field.
[[nodiscard]] bool is_cross_site(const boost::beast::http::fields& fields);

}  // namespace larder::admin
