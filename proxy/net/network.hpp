#pragma once
#include <boost/asio/ip/address.hpp>
#include <vector>

#include "base/network.hpp"

namespace larder::net {

/// A set of address ranges. An IPv4 address inside IPv6 (::ffff:a.b.c.d) counts as the IPv4
/// one.
class Networks {
public:
    Networks() = default;
    explicit Networks(const std::vector<Network>& networks);

    [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;
    [[nodiscard]] bool empty() const { return ranges_.empty(); }

private:
    struct Range {
        boost::asio::ip::address_v6::bytes_type bytes;  // IPv4 mapped
        int bits;                                       // of the 128
    };
    std::vector<Range> ranges_;
};

}  // namespace larder::net
