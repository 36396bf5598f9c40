#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

/// Where a server listens or is reached: "host:port" taken apart.
struct HostPort {
    std::string host;  ///< a name or an IP address; an IPv6 address has no brackets here
    std::uint16_t port = 0;

    /// Only an IPv6 address has a colon.
    [[nodiscard]] bool is_ipv6() const { return host.find(':') != std::string::npos; }
    auto operator<=>(const HostPort&) const = default;
};

/// An address to listen on: "127.0.0.1:8080", "localhost:8080", "[::1]:8080", or ":8080" for every
/// IPv4 interface. Port 0 is any free one. Names come in lower case, IP addresses in their
/// canonical form. Nothing where the text is no such address.
std::optional<HostPort> parse_listen_address(std::string_view text);

/// The "host" or "host:port" of a URL, in the same forms. Nothing where the host is empty or the
/// port is 0.
std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port);

/// "host:port", with brackets around an IPv6 address.
std::string to_text(const HostPort& address);

/// In 127.0.0.0/8, ::1, or the name localhost.
bool is_loopback(const HostPort& address);

/// Letters, digits, '.', '-', '_': what a host name or an IPv4 address consists of.
bool is_host_name(std::string_view text);

}  // namespace larder
