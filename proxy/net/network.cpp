#include "net/network.hpp"

namespace larder::net {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v6;

address_v6::bytes_type bytes_of(const address& from) {
    if (from.is_v6()) return from.to_v6().to_bytes();
    return boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, from.to_v4()).to_bytes();
}

}  // namespace

Networks::Networks(const std::vector<Network>& networks) {
    for (const Network& network : networks) {
        address_v6::bytes_type bytes{};
        if (network.address.version == IpVersion::v6) {
            bytes = network.address.bytes;
        } else {
            const auto& v4 = network.address.bytes;
            bytes = bytes_of(boost::asio::ip::address_v4({v4[0], v4[1], v4[2], v4[3]}));
        }
        ranges_.push_back({bytes, network.prefix + 128 - network.address.bits()});
    }
}

bool Networks::contains(const address& address_in) const {
    if (ranges_.empty()) return false;
    const auto bytes = bytes_of(address_in);
    for (const Range& range : ranges_) {
        bool same = true;
        for (int bit = 0; bit < range.bits && same; bit += 8) {
            const int left = range.bits - bit;
            const auto mask = static_cast<unsigned char>(left >= 8 ? 0xff : 0xff << (8 - left));
            const auto i = static_cast<std::size_t>(bit / 8);
            same = (bytes[i] & mask) == (range.bytes[i] & mask);
        }
        if (same) return true;
    }
    return false;
}

}  // namespace larder::net
