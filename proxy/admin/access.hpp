#pragma once
#include <boost/beast/http/fields.hpp>
#include <string_view>

/// Who may ask the admin server. Browsers are the danger: a page from anywhere can make one send
/// requests to loopback.
namespace larder::admin {

/// Compares without telling by its time how much of it was right (only the lengths may show).
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Whether `Authorization: Bearer TOKEN` holds the token (RFC 6750, 2.1).
[[nodiscard]] bool has_token(const boost::beast::http::fields& fields, std::string_view token);

/// Whether the Host is one that only names this machine: an address, or localhost. Where there is
/// no token, another name can be one that a stranger's DNS points at loopback, to read answers
/// through the user's browser (DNS rebinding). Absent (HTTP/1.0) counts as local.
[[nodiscard]] bool has_local_host(const boost::beast::http::fields& fields);

/// Whether a browser sent it on behalf of a page from elsewhere (Fetch Metadata; RFC 6454, 7).
/// Programs like curl send neither field.
[[nodiscard]] bool is_cross_site(const boost::beast::http::fields& fields);

}  // namespace larder::admin
