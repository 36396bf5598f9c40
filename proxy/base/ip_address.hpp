#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

enum class IpVersion : std::uint8_t { v4, v6 };

/// An IP address as bytes in network order: 4 of them count for IPv4, all 16 for IPv6.
struct IpAddress {
    IpVersion version = IpVersion::v4;
    std::array<unsigned char, 16> bytes{};

    [[nodiscard]] int bits() const { return version == IpVersion::v6 ? 128 : 32; }
    auto operator<=>(const IpAddress&) const = default;
};

/// Nothing where the text is no address of this version. An IPv6 address has no brackets here, and
/// no zone.
std::optional<IpAddress> parse_ip(std::string_view text, IpVersion version);

/// The canonical form (RFC 5952).
std::string to_text(const IpAddress& address);

}  // namespace larder
