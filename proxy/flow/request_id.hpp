#pragma once
#include <string>
#include <string_view>

#include "flow/exchange.hpp"

namespace larder::flow {

/// The id by which the origin and the log know the request: its own X-Request-Id where that is well
/// formed, else one that is made and kept in the exchange (RFC 9562, version 4).
std::string_view request_id(Exchange& exchange);

/// Whether a value may be used as an id: 1 to 200 visible ASCII characters that need no quoting.
[[nodiscard]] bool is_request_id(std::string_view value);

}  // namespace larder::flow
