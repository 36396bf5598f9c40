#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "base/host_port.hpp"

namespace larder::server {

/// Opens `count` listening sockets on one address, one for each worker (SO_REUSEPORT). Refuses an
/// address that another process already serves, although SO_REUSEPORT would let both share it. Port
/// 0 becomes one free port for all. A Unix socket is one for all; a socket file that nobody
/// listens on is replaced. Throws std::runtime_error with a readable line. The caller owns
/// the descriptors.
std::vector<int> open_listening(const HostPort& address, int count);

/// Adds `count` sockets that listen on the same address to `sockets`, which this program opened.
/// Throws like open_listening.
void open_more_listening(const HostPort& address, int count, std::vector<int>& sockets);

/// The port of a listening socket.
std::uint16_t port_of(int descriptor);

}  // namespace larder::server
