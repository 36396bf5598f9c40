#pragma once
#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <map>
#include <mutex>

namespace larder::flow {

/// How many connections each client address has open at all workers, for
/// limits.connections_per_client. IPv6 clients are counted by /64, because one client can use any
/// address of its /64. Safe from every worker.
class PeerCounts {
public:
    /// Counts one more connection. False: the client has `most` already, and nothing was counted.
    [[nodiscard]] bool add(const boost::asio::ip::address& peer, std::size_t most) {
        const std::scoped_lock lock(mutex_);
        std::uint32_t& count = counts_[key_of(peer)];
        if (count >= most) return false;
        ++count;
        return true;
    }
    void remove(const boost::asio::ip::address& peer) {
        const std::scoped_lock lock(mutex_);
        const auto found = counts_.find(key_of(peer));
        if (found != counts_.end() && --found->second == 0) counts_.erase(found);
    }

private:
    using Key = std::array<unsigned char, 16>;

    static Key key_of(const boost::asio::ip::address& peer) {
        Key key{};
        if (peer.is_v4()) {
            key = boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, peer.to_v4())
                      .to_bytes();
        } else {
            key = peer.to_v6().to_bytes();
            if (!peer.to_v6().is_v4_mapped())
                std::fill(key.begin() + 8, key.end(), static_cast<unsigned char>(0));
        }
        return key;
    }

    std::mutex mutex_;
    std::map<Key, std::uint32_t> counts_;  // guarded by mutex_
};

}  // namespace larder::flow
