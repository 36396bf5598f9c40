#include "wire/read_preface.hpp"

#include "net/proxy_protocol.hpp"

namespace larder::wire {
namespace {

void start_header_timeout(Connection& connection) {
    const settings::Limits& limits = connection.services().config->settings.limits;
    connection.stream.expire_at(steady_now() + limits.header_timeout);
}

// How many bytes belong to the PROXY header for certain. Reading more would take bytes of the TLS
// handshake, which reads the socket itself.
std::size_t bytes_of_proxy_header(std::string_view so_far) {
    constexpr std::size_t shortest = 15;  // "PROXY UNKNOWN" and its line end
    constexpr std::size_t fixed_v2 = 16;
    if (so_far.size() < shortest) return shortest - so_far.size();
    if (so_far.front() == 'P') return 1;
    if (so_far.size() < fixed_v2) return fixed_v2 - so_far.size();
    const auto byte = [so_far](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(so_far[i]));
    };
    return fixed_v2 + (byte(14) << 8 | byte(15)) - so_far.size();
}

}  // namespace

net::Task<bool> read_proxy_header(Connection& connection, BehindProxyHeader behind) {
    if (!connection.services().config->trusted_proxies.contains(connection.peer)) co_return false;
    start_header_timeout(connection);
    net::Buffer& in = connection.in;
    while (true) {
        const net::ProxyHeader header = net::parse_proxy_header(in.view());
        if (header.kind == net::ProxyHeader::Kind::malformed) co_return false;
        if (header.kind == net::ProxyHeader::Kind::complete) {
            in.consume(header.size);
            if (header.source) {
                connection.peer = *header.source;
                connection.peer_name.clear();
            }
            co_return true;
        }
        const std::size_t most =
            behind == BehindProxyHeader::tls ? bytes_of_proxy_header(in.view()) : 4096;
        const net::Buffer::Room room = in.room(most);
        const std::size_t size = std::min(most, room.size);
        const net::IoResult got = co_await connection.stream.read_plain(room.at, size);
        if (got.kind != net::IoResult::Kind::done) co_return false;
        in.append_done(got.bytes);
    }
}

net::Task<bool> shake_hands(Connection& connection) {
    start_header_timeout(connection);
    const bool encrypted = co_await connection.stream.handshake();
    co_return encrypted;
}

}  // namespace larder::wire
