#pragma once
#include "http/message.hpp"

/// The target URI of a request (RFC 9110, 7.1), as the origin is told it: behind a proxy that ends
/// TLS the scheme and the authority are those that the proxy names. Both are part of what a
/// response is stored under (RFC 9111, 2).
namespace larder::http {

/// Sets `scheme` and `authority` of the head from its peer, its fields and its Host. A trusted
/// peer's X-Forwarded-Proto and X-Forwarded-Host come first, then its Forwarded (RFC 7239, the
/// first element), then the connection and Host. The views last as long as the head's own.
/// Allocates nothing.
void set_target_uri(RequestHead& request);

/// Whether fields of a trusted peer contradict each other about scheme or authority. The origin may
/// believe either, so the answer belongs to no entry.
bool is_target_uri_ambiguous(const RequestHead& request);

/// Whether the scheme that the origin is told is https. Of a list ("https, http") the first member
/// counts.
bool is_https(const RequestHead& request);

}  // namespace larder::http
