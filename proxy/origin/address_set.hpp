#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <vector>

namespace larder::origin {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// What a lookup changed about the addresses of a name.
struct AddressChange {
    std::vector<Endpoint> now;    ///< kept ones first, in their old order, then the added ones
    std::vector<Endpoint> added;  ///< in the lookup's order
    std::vector<Endpoint> gone;

    [[nodiscard]] bool any() const { return !added.empty() || !gone.empty(); }
};

/// Merges a lookup's answer into what is known. Resolvers shuffle their answers: the order stays
/// where the set is the same. An address that is found twice counts once. Beyond 256 addresses the
/// rest is left out. An empty answer is no answer: nothing changes.
AddressChange merge_addresses(const std::vector<Endpoint>& known,
                              const std::vector<Endpoint>& found);

}  // namespace larder::origin
