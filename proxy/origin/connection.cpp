#include "origin/connection.hpp"

#include "origin/pool.hpp"

namespace larder::origin {

const char* to_text(OriginError error) {
    switch (error) {
        case OriginError::none:
            return "none";
        case OriginError::unavailable:
            return "unavailable";
        case OriginError::unresolved:
            return "unresolved";
        case OriginError::unreachable:
            return "unreachable";
        case OriginError::connect_timeout:
            return "connect-timeout";
        case OriginError::tls:
            return "tls";
        case OriginError::untrusted:
            return "untrusted";
        case OriginError::lost:
            return "lost";
        case OriginError::malformed:
            return "malformed";
        case OriginError::timeout:
            return "timeout";
        case OriginError::truncated:
            return "truncated";
    }
    return "none";
}

OriginConnection::OriginConnection(net::TcpSocket socket, net::DeadlineWheel& wheel,
                                   net::BufferPool& buffers, std::shared_ptr<Upstream> upstream_in,
                                   Address& address_in, Pool& pool)
    : stream(std::move(socket), wheel),
      in(buffers),
      upstream(std::move(upstream_in)),
      address(address_in.shared_from_this()),
      pool_(pool) {
    address->connections.fetch_add(1, std::memory_order_relaxed);
}

OriginConnection::~OriginConnection() {
    stream.close();
    address->connections.fetch_sub(1, std::memory_order_relaxed);
    pool_.place_came_free(*address);
}

}  // namespace larder::origin
