#include "net/network.hpp"

#include "base/text.hpp"

namespace larder::net {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v6;

address_v6::bytes_type bytes_of(const address& from) {
    if (from.is_v6()) return from.to_v6().to_bytes();
    return boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, from.to_v4()).to_bytes();
}

}  // namespace

Networks::Networks(const std::vector<std::string>& cidrs) {
    for (const std::string& cidr : cidrs) {
        const std::size_t slash = cidr.find('/');
        boost::system::error_code error;
        const address base = boost::asio::ip::make_address(cidr.substr(0, slash), error);
        if (error) continue;
        const int width = base.is_v6() ? 128 : 32;
        int bits = width;
        if (slash != std::string::npos) {
            const auto number = parse_decimal(std::string_view(cidr).substr(slash + 1));
            if (!number || *number > static_cast<unsigned>(width)) continue;
            bits = static_cast<int>(*number);
        }
        ranges_.push_back({bytes_of(base), bits + 128 - width});
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
