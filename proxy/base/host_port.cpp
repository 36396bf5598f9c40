#include "base/host_port.hpp"

#include <algorithm>

#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace larder {
namespace {

constexpr std::size_t host_bytes_max = 253;         // RFC 1035, 2.3.4, as text
constexpr std::size_t socket_path_bytes_max = 107;  // unix(7), sun_path with its last NUL

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = text.size() <= 5 ? parse_decimal(text) : std::nullopt;
    if (!port || *port > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*port);
}

// "fe80::1%eth0": the zone stays, the address becomes canonical.
std::optional<std::string> parse_ipv6_host(std::string_view text) {
    const std::size_t zone = std::min(text.find('%'), text.size());
    const auto ip = parse_ip(text.substr(0, zone), IpVersion::v6);
    if (!ip || zone + 1 == text.size()) return std::nullopt;
    if (zone < text.size() && !is_host_name(text.substr(zone + 1))) return std::nullopt;
    return to_text(*ip) + std::string(text.substr(zone));
}

// Removes the host from the front of the text and returns it. The host may be empty.
std::optional<std::string> take_host(std::string_view& text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        auto host = parse_ipv6_host(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
        return host;
    }
    const std::size_t end = std::min(text.find(':'), text.size());
    std::string host = to_lower_copy(text.substr(0, end));
    text.remove_prefix(end);
    if (host.empty()) return host;
    const bool numeric =
        std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
    if (!is_host_name(host) || (numeric && !parse_ip(host, IpVersion::v4))) return std::nullopt;
    return host;
}

}  // namespace

bool is_host_name(std::string_view text) {
    const auto allowed = [](char c) {
        return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_digit(c) || c == '.' || c == '-' ||
               c == '_';
    };
    return !text.empty() && text.size() <= host_bytes_max &&
           std::all_of(text.begin(), text.end(), allowed);
}

bool is_socket_path(std::string_view path) {
    return path.size() > 1 && path.size() <= socket_path_bytes_max && path.front() == '/' &&
           path.back() != '/' && path.find('\0') == std::string_view::npos;
}

std::optional<HostPort> parse_listen_address(std::string_view text) {
    constexpr std::string_view unix_scheme = "unix:";
    if (iequals(text.substr(0, unix_scheme.size()), unix_scheme)) {  // RFC 3986, 3.1
        const std::string_view path = text.substr(unix_scheme.size());
        if (!is_socket_path(path)) return std::nullopt;
        return HostPort{std::string(path), 0};
    }
    const auto host = take_host(text);
    if (!host || !text.starts_with(':')) return std::nullopt;
    const auto port = parse_port(text.substr(1));
    if (!port) return std::nullopt;
    return HostPort{host->empty() ? "0.0.0.0" : *host, *port};
}

std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port) {
    const auto host = take_host(text);
    if (!host || host->empty()) return std::nullopt;
    if (text.empty()) return HostPort{*host, default_port};
    const auto port = text.starts_with(':') ? parse_port(text.substr(1)) : std::nullopt;
    if (!port || *port == 0) return std::nullopt;
    return HostPort{*host, *port};
}

std::string to_text(const HostPort& address) {
    if (address.is_unix()) return "unix:" + address.host;
    const std::string port = ':' + std::to_string(address.port);
    return address.is_ipv6() ? '[' + address.host + ']' + port : address.host + port;
}

bool is_loopback(const HostPort& address) {
    if (address.is_unix() || address.host == "::1" || address.host == "localhost") return true;
    const auto ip = parse_ip(address.host, IpVersion::v4);
    return ip && ip->bytes[0] == 127;
}

}  // namespace larder
