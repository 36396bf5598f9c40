#include "net/read_rest.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace larder::net {
namespace {

// How many bytes a read left in the socket; the peer's end counts as one. Not known: one.
int bytes_left(msghdr& message) {
    int left = 1;
    const cmsghdr* part = message.msg_controllen > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (part && part->cmsg_level == IPPROTO_TCP && part->cmsg_type == TCP_CM_INQ)
        std::memcpy(&left, CMSG_DATA(part), sizeof left);
    return left;
}

}  // namespace

bool make_reads_tell_rest(int socket) {
    const int on = 1;
    return ::setsockopt(socket, IPPROTO_TCP, TCP_INQ, &on, sizeof on) == 0;
}

ssize_t read_and_tell_rest(int socket, char* at, std::size_t size, bool tells_rest,
                           bool& is_drained) {
    iovec piece{at, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    while (true) {
        message.msg_control = tells_rest ? control : nullptr;
        message.msg_controllen = tells_rest ? sizeof control : 0;
        const ssize_t got = ::recvmsg(socket, &message, 0);
        if (got < 0 && errno == EINTR) continue;
        is_drained = got < 0 ? errno == EAGAIN || errno == EWOULDBLOCK
                             : got > 0 && tells_rest && bytes_left(message) == 0;
        return got;
    }
}

}  // namespace larder::net
