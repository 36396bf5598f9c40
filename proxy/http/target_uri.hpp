#pragma once
#include "http/message.hpp"

/// The target URI of a request (RFC 9110, 7.1), as the origin sees it. A trusted proxy that ends
/// TLS before larder names the scheme and the authority. Both are part of the key that a response
/// is stored under (RFC 9111, 2).
namespace larder::http {

/// Sets `scheme` and `authority` of the head. X-Forwarded-Proto and X-Forwarded-Host of a trusted
/// peer come first, then the first element of a trusted peer's Forwarded (RFC 7239), then the
/// connection and Host. The views are valid as long as the other views of the head. Allocates
/// nothing.
void set_target_uri(RequestHead& request);

/// Whether fields of a trusted peer contradict each other about scheme or authority. The origin may
/// believe either, so the response must not be stored.
bool is_target_uri_ambiguous(const RequestHead& request);

/// The value of a parameter of an element of Forwarded (RFC 7239, 4), without its quotes; empty if
/// it has no such parameter. Of a list the first element counts.
std::string_view forwarded_parameter(std::string_view forwarded, std::string_view name);

/// Whether `scheme` is https. In a list ("https, http") the first member counts.
bool is_https(const RequestHead& request);

}  // namespace larder::http
