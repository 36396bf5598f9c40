#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.hpp"

namespace larder {

/// A range of IP addresses in CIDR notation: all addresses that share the first `prefix` bits.
struct Network {
    IpAddress address;
    int prefix = 0;

    /// The same range with all bits beyond the prefix zero: 10.0.0.1/8 becomes 10.0.0.0/8.
    [[nodiscard]] Network canonical() const;
    auto operator<=>(const Network&) const = default;
};

/// Parses "10.0.0.0/8" or "fd00::/8". An address without a prefix is a range of one address. Bits
/// beyond the prefix stay as written. std::nullopt if the text is not such a range.
std::optional<Network> parse_network(std::string_view text);

/// "10.0.0.0/8", the prefix always written.
std::string to_text(const Network& network);

}  // namespace larder
