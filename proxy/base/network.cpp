#include "base/network.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace larder {

Network Network::canonical() const {
    Network out = *this;
    for (int bit = prefix; bit < address.bits(); ++bit)
        out.address.bytes[static_cast<std::size_t>(bit / 8)] &=
            static_cast<unsigned char>(~(0x80 >> (bit % 8)));
    return out;
}

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view host = text.substr(0, slash);
    const bool is_v6 = host.find(':') != std::string_view::npos;
    const auto address = parse_ip(host, is_v6 ? IpVersion::v6 : IpVersion::v4);
    if (!address) return std::nullopt;
    if (slash == text.size()) return Network{*address, address->bits()};
    const std::string_view digits = text.substr(slash + 1);
    const auto prefix = digits.size() <= 3 ? parse_decimal(digits) : std::nullopt;
    if (!prefix || *prefix > static_cast<unsigned>(address->bits())) return std::nullopt;
    return Network{*address, static_cast<int>(*prefix)};
}

std::string to_text(const Network& network) {
    return to_text(network.address) + '/' + std::to_string(network.prefix);
}

}  // namespace larder
