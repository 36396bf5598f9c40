#include "base/ip_address.hpp"

#include <arpa/inet.h>

namespace larder {
namespace {

int family_of(IpVersion version) { return version == IpVersion::v6 ? AF_INET6 : AF_INET; }

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text, IpVersion version) {
    // inet_pton stops at a zero byte and would ignore what follows.
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    IpAddress address{version, {}};
    const std::string terminated(text);
    if (inet_pton(family_of(version), terminated.c_str(), address.bytes.data()) != 1)
        return std::nullopt;
    return address;
}

std::string to_text(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family_of(address.version), address.bytes.data(), text.data(), text.size());
    return text.data();
}

}  // namespace larder
