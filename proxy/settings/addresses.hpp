#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::settings {

/// "host:port" taken apart. An IPv6 host is without its brackets.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    bool ipv6 = false;
};

/// "127.0.0.1:8080", "localhost:8080", "[::1]:8080", and ":8080" (every IPv4 interface). Port 0 is
/// any free one. Nothing where it is not an address.
std::optional<HostPort> parse_address(std::string_view text);

/// The same of "host" or "host:port" as it stands in a URL; an absent port is `default_port`, port
/// 0 and an empty host are nothing.
std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port);

/// "host:port", with brackets round an IPv6 host. IP addresses are in their canonical form.
std::string address_text(const HostPort& address);

/// In 127.0.0.0/8, ::1, or the name localhost.
bool is_loopback(const HostPort& address);

/// A network in its canonical form ("10.0.0.0/8"), and whether the text had bits beyond its prefix
/// ("10.0.0.1/8").
struct Network {
    std::string text;
    bool had_host_bits = false;
};

/// "10.0.0.0/8", "fd00::/8"; an address alone is a network of one. Nothing where it is neither.
std::optional<Network> parse_network(std::string_view text);

/// Letters, digits, '.', '-', '_': what a host name or an IPv4 address consists of.
bool is_host_name(std::string_view text);

}  // namespace larder::settings
