#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

enum class IpVersion : std::uint8_t { v4, v6 };

/// An IP address as bytes in network order. IPv4 uses the first 4 bytes, IPv6 all 16.
struct IpAddress {
    IpVersion version = IpVersion::v4;
    std::array<unsigned char, 16> bytes{};

    [[nodiscard]] int bits() const { return version == IpVersion::v6 ? 128 : 32; }
    auto operator<=>(const IpAddress&) const = default;
};

/// std::nullopt if the text is not an address of this version. An IPv6 address must come without
/// brackets and without a zone.
std::optional<IpAddress> parse_ip(std::string_view text, IpVersion version);

/// The canonical form (RFC 5952).
std::string to_text(const IpAddress& address);

}  // namespace larder
