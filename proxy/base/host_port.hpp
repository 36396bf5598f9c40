#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

/// Where a server listens or is reached: "host:port" taken apart, or the path of a Unix socket.
struct HostPort {
    std::string host;  ///< a name, an IP address (IPv6 without brackets), or a path from '/' on
    std::uint16_t port = 0;

    [[nodiscard]] bool is_unix() const { return host.starts_with('/'); }
    /// Only an IPv6 address has a colon.
    [[nodiscard]] bool is_ipv6() const { return !is_unix() && host.find(':') != std::string::npos; }
    auto operator<=>(const HostPort&) const = default;
};

/// An address to listen on: "127.0.0.1:8080", "localhost:8080", "[::1]:8080", or ":8080" for every
/// IPv4 interface, or "unix:/path". Port 0 means any free port. The result has names in lower case
/// and IP addresses in their canonical form. std::nullopt if the text is not such an address.
std::optional<HostPort> parse_listen_address(std::string_view text);

/// The "host" or "host:port" of a URL, in the same forms. std::nullopt if the text is malformed,
/// the host is empty or the port is 0.
std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port);

/// Whether a path can name a Unix socket: absolute, and no longer than the system allows.
bool is_socket_path(std::string_view path);

/// "host:port", with brackets around an IPv6 address; "unix:/path".
std::string to_text(const HostPort& address);

/// True for 127.0.0.0/8, ::1, the name localhost, and a Unix socket.
bool is_loopback(const HostPort& address);

/// Whether the text has only the characters of a host name or an IPv4 address: letters, digits,
/// '.', '-', '_'.
bool is_host_name(std::string_view text);

}  // namespace larder
