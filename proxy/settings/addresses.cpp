#include "settings/addresses.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace larder::settings {
namespace {

constexpr std::size_t host_bytes_max = 253;  // RFC 1035, 2.3.4, as text

struct IpBytes {
    std::array<unsigned char, 16> bytes{};
    int family = 0;
    [[nodiscard]] int bits() const { return family == AF_INET6 ? 128 : 32; }
};

std::optional<IpBytes> parse_ip(std::string_view text, int family) {
    IpBytes out;
    out.family = family;
    if (text.find('\0') != std::string_view::npos)
        return std::nullopt;  // inet_pton would stop there
    if (inet_pton(family, std::string(text).c_str(), out.bytes.data()) != 1) return std::nullopt;
    return out;
}

std::string ip_text(const IpBytes& ip) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(ip.family, ip.bytes.data(), text.data(), text.size());
    return text.data();
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = text.size() <= 5 ? parse_decimal(text) : std::nullopt;
    if (!port || *port > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*port);
}

std::optional<std::string> parse_ipv6_host(std::string_view text) {
    const std::size_t zone = std::min(text.find('%'), text.size());
    const auto ip = parse_ip(text.substr(0, zone), AF_INET6);
    if (!ip || zone + 1 == text.size()) return std::nullopt;
    if (zone < text.size() && !is_host_name(text.substr(zone + 1))) return std::nullopt;
    return ip_text(*ip) + std::string(text.substr(zone));
}

/// The host, without its brackets, and what follows it.
bool split_host(std::string_view text, HostPort& out, std::string_view& rest) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return false;
        const auto host = parse_ipv6_host(text.substr(1, end - 1));
        if (!host) return false;
        out.host = *host;
        out.ipv6 = true;
        rest = text.substr(end + 1);
        return true;
    }
    const std::size_t end = std::min(text.find(':'), text.size());
    out.host = to_lower_copy(text.substr(0, end));
    rest = text.substr(end);
    if (out.host.empty()) return true;
    const bool numeric = std::all_of(out.host.begin(), out.host.end(),
                                     [](char c) { return is_digit(c) || c == '.'; });
    return is_host_name(out.host) && (!numeric || parse_ip(out.host, AF_INET));
}

void clear_host_bits(IpBytes& ip, int prefix) {
    for (int bit = prefix; bit < ip.bits(); ++bit)
        ip.bytes[static_cast<std::size_t>(bit / 8)] &=
            static_cast<unsigned char>(~(0x80 >> (bit % 8)));
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

std::optional<HostPort> parse_address(std::string_view text) {
    HostPort out;
    std::string_view rest;
    if (!split_host(text, out, rest) || !rest.starts_with(':')) return std::nullopt;
    const auto port = parse_port(rest.substr(1));
    if (!port) return std::nullopt;
    out.port = *port;
    if (out.host.empty()) out.host = "0.0.0.0";
    return out;
}

std::optional<HostPort> parse_authority(std::string_view text, std::uint16_t default_port) {
    HostPort out;
    std::string_view rest;
    if (!split_host(text, out, rest) || out.host.empty()) return std::nullopt;
    out.port = default_port;
    if (rest.empty()) return out;
    const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port || *port == 0) return std::nullopt;
    out.port = *port;
    return out;
}

std::string address_text(const HostPort& address) {
    const std::string port = ':' + std::to_string(address.port);
    return address.ipv6 ? '[' + address.host + ']' + port : address.host + port;
}

bool is_loopback(const HostPort& address) {
    if (address.ipv6) return address.host == "::1";
    if (address.host == "localhost") return true;
    const auto ip = parse_ip(address.host, AF_INET);
    return ip && ip->bytes[0] == 127;
}

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view host = text.substr(0, slash);
    auto ip = parse_ip(host, host.find(':') == std::string_view::npos ? AF_INET : AF_INET6);
    if (!ip) return std::nullopt;
    int prefix = ip->bits();
    if (slash < text.size()) {
        const std::string_view digits = text.substr(slash + 1);
        const auto number = digits.size() <= 3 ? parse_decimal(digits) : std::nullopt;
        if (!number || *number > static_cast<unsigned>(prefix)) return std::nullopt;
        prefix = static_cast<int>(*number);
    }
    const IpBytes written = *ip;
    clear_host_bits(*ip, prefix);
    return Network{ip_text(*ip) + '/' + std::to_string(prefix), written.bytes != ip->bytes};
}

}  // namespace larder::settings
