#pragma once
#include <boost/beast/http/fields.hpp>
#include <string_view>

/// Who may use the admin server. Browsers are the danger: a page from any site can make a browser
/// send requests to loopback.
namespace larder::admin {

/// Compares in a time that does not depend on how many bytes are equal (it may depend on the
/// lengths).
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Whether `Authorization: Bearer TOKEN` holds the token (RFC 6750, 2.1).
[[nodiscard]] bool has_token(const boost::beast::http::fields& fields, std::string_view token);

/// Whether the Host can name only this machine: an address, or localhost. Needed where no token is
/// set, because an attacker's DNS can point any other name at loopback and read answers through the
/// user's browser (DNS rebinding). A missing Host (HTTP/1.0) counts as local.
[[nodiscard]] bool has_local_host(const boost::beast::http::fields& fields);

/// Whether a browser sent the request for a page from another site (Fetch Metadata; RFC 6454, 7).
/// Programs like curl send neither field.
[[nodiscard]] bool is_cross_site(const boost::beast::http::fields& fields);

}  // namespace larder::admin
