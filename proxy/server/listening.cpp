#include "server/listening.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

sockaddr_un name_of(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    return name;
}

// A socket file stays behind where a process was killed. One that nobody listens on is replaced.
void remove_stale_socket(const HostPort& address) {
    struct stat status {};
    if (::lstat(address.host.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) fail(address, "the path is taken by a file", EEXIST);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) fail(address, "socket", errno);
    const sockaddr_un name = name_of(address.host);
    const bool refused =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
        errno == ECONNREFUSED;
    ::close(probe);
    if (!refused) fail(address, "bind", EADDRINUSE);
    ::unlink(address.host.c_str());
}

// The workers share one socket and its queue: SO_REUSEPORT does not exist for Unix sockets.
std::vector<int> open_unix(const HostPort& address, int count) {
    remove_stale_socket(address);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) fail(address, "socket", errno);
    std::vector<int> sockets{descriptor};
    const sockaddr_un name = name_of(address.host);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        fail(address, "bind", errno);
    // As with a port: who may connect is decided by the directory.
    constexpr mode_t all_may_connect = 0666;
    if (::chmod(address.host.c_str(), all_may_connect) != 0) fail(address, "chmod", errno);
    if (::listen(descriptor, 4096) != 0) fail(address, "listen", errno);
    open_more_listening(address, count - 1, sockets);
    return sockets;
}

}  // namespace

std::uint16_t port_of(int descriptor) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    ::getsockname(descriptor, endpoint.data(), &size);
    return endpoint.port();
}

std::vector<int> open_listening(const HostPort& address, int count) {
    if (address.is_unix()) return open_unix(address, count);
    const tcp::endpoint endpoint = endpoint_of(address);
    if (endpoint.port() != 0) refuse_if_served(endpoint, address);
    std::vector<int> sockets;
    open_more_listening(address, count, sockets);
    return sockets;
}

void open_more_listening(const HostPort& address, int count, std::vector<int>& sockets) {
    if (address.is_unix()) {
        for (int i = 0; i < count; ++i) {
            const int copy = ::fcntl(sockets.front(), F_DUPFD_CLOEXEC, 0);
            if (copy < 0) fail(address, "dup", errno);
            sockets.push_back(copy);
        }
        return;
    }
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
