#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace larder::cache {

/// Whether the response to a request that may be a write (http::is_write) invalidates (RFC 9111,
/// 4.4): 2xx, 3xx, and 5xx, whose outcome is unknown. Where no response came at all the caller
/// counts the write as done. A 4xx does not invalidate, so that rejected writes cannot be used to
/// empty the cache.
bool invalidates(const http::RequestHead& request, int status);

/// The targets (origin-form) of all Location and Content-Location lines that are of the same origin
/// as the request. `origin_host`: the Host that the origin was told in place of the request's;
/// empty: the request's own.
std::vector<std::string> related_targets(const http::RequestHead& request,
                                         const http::ResponseHead& response,
                                         std::string_view origin_host = {});

}  // namespace larder::cache
