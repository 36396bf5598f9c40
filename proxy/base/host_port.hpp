#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

/// The host and port of a "host:port", where a server listens or is reached.
struct HostPort {
    std::string host;  ///< a name or an IP address; an IPv6 address has no brackets here
    std::uint16_t port = 0;

    /// Only an IPv6 address has a colon.
    [[nodiscard]] bool is_ipv6() const { return host.find(':') != std::string::npos; }
    auto operator<=>(const HostPort&) const = default;
};

/// An address to listen on: "127.0.0.1:8080", "localhost:8080", "[::1]:8080", or ":8080" for every
/// IPv4 interface. Port 0 means any free port. The result has names in lower case and IP addresses
/// in their canonical form. std::nullopt if the text is not such an address.
std::optional<HostPort> parse_listen_address(std::string_view text);

/// The "host" or "host:port" of a URL, in the same forms. std::nullopt if the text is malformed,
/// the host is empty or the port is 0.
std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port);

/// "host:port", with brackets around an IPv6 address.
std::string to_text(const HostPort& address);

/// True for 127.0.0.0/8, ::1 and the name localhost.
bool is_loopback(const HostPort& address);

/// Whether the text has only the characters of a host name or an IPv4 address: letters, digits,
/// '.', '-', '_'.
bool is_host_name(std::string_view text);

}  // namespace larder
