#pragma once
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "cache/response_facts.hpp"
#include "http/message.hpp"

namespace larder::cache {

/// What the client's own preconditions make of a 200 (RFC 9110, 13.2.2): If-None-Match before
/// If-Modified-Since. If-Match and If-Unmodified-Since never get here (see request_bypass).
enum class Precondition : std::uint8_t { pass, not_modified };
Precondition evaluate_preconditions(const http::RequestHead& request, std::string_view etag,
                                    std::string_view last_modified);

/// The same for a response of any status: only a 200 can become a 304. Without Last-Modified, its
/// Date is compared instead (RFC 9111, 4.3.2), and without a valid Date the time of receipt.
Precondition evaluate_preconditions(const http::RequestHead& request, const ResponseFacts& response,
                                    WallTime now);

}  // namespace larder::cache
