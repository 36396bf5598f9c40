#pragma once
#include <cstdint>
#include <memory>

#include "net/buffer.hpp"
#include "net/stream.hpp"
#include "origin/upstream.hpp"

namespace larder::origin {

/// Why an exchange with the origin failed.
enum class OriginError : std::uint8_t {
    none,
    unavailable,  ///< no server is up, or all its connections are taken
    unresolved,   ///< the server's name has no address
    unreachable,  ///< could not connect
    connect_timeout,
    tls,        ///< the handshake failed
    untrusted,  ///< the certificate is not trusted, or for another name
    lost,       ///< the connection ended before the head of the response
    malformed,  ///< the response cannot be framed with certainty
    timeout,    ///< no byte within response_timeout or idle_timeout
    truncated,  ///< the connection ended inside the body
};

/// "unreachable", ...: the metrics' `reason`.
const char* to_text(OriginError error);

class Pool;

/// A connection to one address. Counts itself in the address's figures, and notifies its pool when
/// it ends. One thread.
class OriginConnection {
public:
    OriginConnection(net::TcpSocket socket, net::DeadlineWheel& wheel, net::BufferPool& buffers,
                     std::shared_ptr<Upstream> upstream_in, Address& address_in, Pool& pool);
    ~OriginConnection();
    OriginConnection(const OriginConnection&) = delete;
    OriginConnection& operator=(const OriginConnection&) = delete;

    net::Stream stream;
    net::Buffer in;
    std::shared_ptr<Upstream> upstream;
    std::shared_ptr<Address> address;
    bool reused = false;
    SteadyTime idle_since{};

private:
    Pool& pool_;
};

using ConnectionPtr = std::unique_ptr<OriginConnection>;

}  // namespace larder::origin
