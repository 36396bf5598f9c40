#include "server/listening.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace larder::server {
namespace {

using boost::asio::ip::tcp;

[[noreturn]] void fail(const HostPort& address, const char* what, int error) {
    std::string message = "cannot listen on " + to_text(address) + ": ";
    message += error == EADDRINUSE ? "the address is in use; stop the process that serves it, or "
                                     "choose another with --listen or `listen`"
                                   : std::string(what) + ": " + std::strerror(error);
    throw std::runtime_error(message);
}

tcp::endpoint endpoint_of(const HostPort& address) {
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    boost::system::error_code error;
    const auto parsed = boost::asio::ip::make_address(host, error);
    if (error)
        throw std::runtime_error("not an address: " + to_text(address) +
                                 " (expected an IP address and a port)");
    return {parsed, address.port};
}

void set_option(int descriptor, int level, int name) {
    const int on = 1;
    ::setsockopt(descriptor, level, name, &on, sizeof on);
}

int open_socket(const tcp::endpoint& endpoint, const HostPort& address) {
    const int descriptor =
        ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) fail(address, "socket", errno);
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
    return descriptor;
}

// Binding without SO_REUSEPORT fails if any process listens on the address, also another larder.
void refuse_if_served(const tcp::endpoint& endpoint, const HostPort& address) {
    const int probe = open_socket(endpoint, address);
    const int bound = ::bind(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
    const int error = bound == 0 ? 0 : errno;
    ::close(probe);
    if (error != 0) fail(address, "bind", error);
}

}  // namespace

std::uint16_t port_of(int descriptor) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    ::getsockname(descriptor, endpoint.data(), &size);
    return endpoint.port();
}

std::vector<int> open_listening(const HostPort& address, int count) {
    const tcp::endpoint endpoint = endpoint_of(address);
    if (endpoint.port() != 0) refuse_if_served(endpoint, address);
    std::vector<int> sockets;
    open_more_listening(address, count, sockets);
    return sockets;
}

void open_more_listening(const HostPort& address, int count, std::vector<int>& sockets) {
    tcp::endpoint endpoint = endpoint_of(address);
    for (int i = 0; i < count; ++i) {
        if (endpoint.port() == 0 && !sockets.empty()) endpoint.port(port_of(sockets.front()));
        const int descriptor = open_socket(endpoint, address);
        sockets.push_back(descriptor);
        set_option(descriptor, SOL_SOCKET, SO_REUSEPORT);
        // Accepted sockets inherit the option, which saves a call for each connection.
        set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
        if (::bind(descriptor, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0)
            fail(address, "bind", errno);
        if (::listen(descriptor, 4096) != 0) fail(address, "listen", errno);
    }
}

}  // namespace larder::server
