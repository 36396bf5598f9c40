#include "server/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"

namespace larder::server {
namespace {

/// The address of a datagram socket by its name in NOTIFY_SOCKET: a path, or '@' and an abstract
/// name. Its size is 0 where the name is neither.
socklen_t fill_address(std::string_view name, sockaddr_un& address) {
    address.sun_family = AF_UNIX;
    if (name.size() < 2 || name.size() >= sizeof(address.sun_path)) return 0;
    if (name.front() != '/' && name.front() != '@') return 0;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

}  // namespace

void tell_service_manager(std::string_view lines) {
    const char* name = std::getenv("NOTIFY_SOCKET");
    if (name == nullptr) return;
    sockaddr_un address{};
    const socklen_t size = fill_address(name, address);
    if (size == 0) return;
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    ::sendto(socket, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address), size);
    ::close(socket);
}

std::optional<std::chrono::microseconds> watchdog_interval(const char* microseconds,
                                                           const char* pid, int own) {
    if (microseconds == nullptr) return std::nullopt;
    const auto limit = parse_decimal(microseconds);
    if (!limit || *limit < 2) return std::nullopt;
    if (pid != nullptr) {
        const auto meant = parse_decimal(pid);
        if (!meant || static_cast<long long>(*meant) != own) return std::nullopt;
    }
    return std::chrono::microseconds(*limit / 2);
}

Watchdog::Watchdog(boost::asio::io_context& context, std::vector<Post> workers)
    : workers_(std::move(workers)),
      interval_(
          watchdog_interval(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"), ::getpid())),
      timer_(context) {
    if (!interval_) return;
    ask();
    wait();
}

// Half of the interval in which a sign of life is due, so that a slow worker has time to answer.
void Watchdog::wait() {
    timer_.expires_after(*interval_ / 2);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        if (answers_->load() == workers_.size()) {
            tell_service_manager("WATCHDOG=1");
            ask();
        }
        wait();
    });
}

void Watchdog::ask() {
    answers_ = std::make_shared<std::atomic<std::size_t>>(0);
    for (const Post& post : workers_) post([answers = answers_] { ++*answers; });
}

}  // namespace larder::server
