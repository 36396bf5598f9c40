#include "server/service_manager.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace larder::server;
using namespace std::chrono_literals;

namespace {

/// A service manager's socket under an abstract name, with the two variables that lead to it.
class Manager {
public:
    Manager() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t));
        socklen_t size = sizeof(address);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        const std::size_t length = size - offsetof(sockaddr_un, sun_path) - 1;
        ::setenv("NOTIFY_SOCKET", ("@" + std::string(address.sun_path + 1, length)).c_str(), 1);
        ::setenv("WATCHDOG_USEC", "20000", 1);
    }
    ~Manager() {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        ::close(socket_);
    }

    /// The next message; empty: none has come.
    std::string next() const {
        char text[64];
        const ssize_t size = ::recv(socket_, text, sizeof(text), MSG_DONTWAIT);
        return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
    }

private:
    const int socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

void at_once(const std::function<void()>& task) { task(); }

}  // namespace

TEST_CASE("signs of life are sent while every worker does its tasks, and end with one that hangs") {
    const Manager manager;
    boost::asio::io_context context(1);
    bool hangs = false;
    const Watchdog watchdog(context, {at_once, [&hangs](const std::function<void()>& task) {
                                          if (!hangs) task();
                                      }});
    context.run_one();
    CHECK(manager.next() == "WATCHDOG=1");
    context.run_one();
    CHECK(manager.next() == "WATCHDOG=1");
    hangs = true;
    context.run_one();  // the task before was done
    CHECK(manager.next() == "WATCHDOG=1");
    for (int i = 0; i < 5; ++i) context.run_one();
    CHECK(manager.next().empty());
}

TEST_CASE("a hanging worker that goes on lets the signs of life come again") {
    const Manager manager;
    boost::asio::io_context context(1);
    std::function<void()> late;
    const Watchdog watchdog(context,
                            {[&late](std::function<void()> task) { late = std::move(task); }});
    context.run_one();
    CHECK(manager.next().empty());
    late();
    context.run_one();
    CHECK(manager.next() == "WATCHDOG=1");
}

TEST_CASE("nothing is sent without a service manager") {
    ::unsetenv("NOTIFY_SOCKET");
    tell_service_manager("READY=1");
    ::setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    tell_service_manager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("a sign of life is due in half the time that the service manager allows") {
    CHECK(watchdog_interval("30000000", "17", 17) == 15s);
    CHECK(watchdog_interval("30000000", nullptr, 17) == 15s);
}

TEST_CASE("without a watchdog, or with one for another process, no sign of life is sent") {
    CHECK_FALSE(watchdog_interval(nullptr, "17", 17));
    CHECK_FALSE(watchdog_interval("30000000", "18", 17));
    CHECK_FALSE(watchdog_interval("30000000", "nobody", 17));
    CHECK_FALSE(watchdog_interval("soon", "17", 17));
    CHECK_FALSE(watchdog_interval("0", "17", 17));
}
