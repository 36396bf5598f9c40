#pragma once
#include "wire/connection.hpp"

namespace larder::wire {

/// What follows a PROXY header.
enum class BehindProxyHeader : std::uint8_t { plain, tls };

/// Reads the PROXY header within limits.header_timeout. Uses its address only if the peer is in
/// trusted_proxies. False: the connection ends.
[[nodiscard]] net::Task<bool> read_proxy_header(Connection& connection, BehindProxyHeader behind);

/// The TLS handshake, within limits.header_timeout. False: the connection ends.
[[nodiscard]] net::Task<bool> shake_hands(Connection& connection);

}  // namespace larder::wire
