// Sends requests at a constant rate and says how long their answers took, from the moment at which
// each was due: a request that has to wait because earlier ones are slow counts with that wait (no
// coordinated omission). constant_rate PORT PATH REQUESTS_PER_SECOND SECONDS CONNECTIONS
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

/// One keep-alive connection: one request at a time.
struct Connection {
    int socket = -1;
    Clock::time_point due{};  // of the request under way
    std::string in;
};

std::size_t number_after(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(name);
    if (at == head.npos) throw std::runtime_error("an answer without Content-Length");
    std::size_t number = 0;
    const char* from = head.data() + at + name.size();
    while (*from == ' ') ++from;
    std::from_chars(from, head.data() + head.size(), number);
    return number;
}

/// Whether the whole answer is there.
bool complete(const std::string& in) {
    const std::size_t end = in.find("\r\n\r\n");
    if (end == in.npos) return false;
    std::string head = in.substr(0, end + 2);
    if (!head.starts_with("HTTP/1.1 200")) throw std::runtime_error("not a 200: " + head);
    for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return in.size() >= end + 4 + number_after(head, "content-length:");
}

int connect_to(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

class Load {
public:
    Load(int port, const std::string& path, double rate, double seconds, std::size_t connections)
        : request_("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
          gap_(static_cast<std::int64_t>(1e9 / rate)),
          count_(static_cast<std::size_t>(rate * seconds)),
          connections_(connections) {
        for (Connection& connection : connections_) {
            connection.socket = connect_to(port);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = &connection;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
            idle_.push_back(&connection);
        }
        took_.reserve(count_);
    }

    std::vector<nanoseconds> run() {
        const Clock::time_point began = Clock::now();
        std::size_t sent = 0;
        while (took_.size() < count_) {
            const Clock::time_point now = Clock::now();
            while (sent < count_ && !idle_.empty() && began + gap_ * sent <= now)
                send(began + gap_ * sent++);
            receive();
        }
        std::sort(took_.begin(), took_.end());
        return took_;
    }

private:
    void send(Clock::time_point due) {
        Connection& connection = *idle_.back();
        idle_.pop_back();
        connection.due = due;
        if (::send(connection.socket, request_.data(), request_.size(), 0) !=
            static_cast<ssize_t>(request_.size()))
            throw std::runtime_error("cannot send");
    }

    void receive() {
        epoll_event events[64];
        const int ready = ::epoll_wait(epoll_, events, 64, 0);
        for (int i = 0; i < ready; ++i) {
            Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
            char bytes[16384];
            const ssize_t size = ::recv(connection.socket, bytes, sizeof bytes, 0);
            if (size <= 0) throw std::runtime_error("the connection was closed");
            connection.in.append(bytes, static_cast<std::size_t>(size));
            if (!complete(connection.in)) continue;
            connection.in.clear();
            took_.push_back(Clock::now() - connection.due);
            idle_.push_back(&connection);
        }
    }

    std::string request_;
    nanoseconds gap_;
    std::size_t count_;
    std::vector<Connection> connections_;
    std::vector<Connection*> idle_;
    std::vector<nanoseconds> took_;
    int epoll_ = ::epoll_create1(0);
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 6) {
        std::fputs("constant_rate PORT PATH REQUESTS_PER_SECOND SECONDS CONNECTIONS\n", stderr);
        return 2;
    }
    Load load(std::atoi(argv[1]), argv[2], std::atof(argv[3]), std::atof(argv[4]),
              static_cast<std::size_t>(std::atoi(argv[5])));
    const std::vector<nanoseconds> took = load.run();
    const auto microseconds = [&](double share) {
        const auto at = static_cast<std::size_t>(share * static_cast<double>(took.size() - 1));
        return static_cast<double>(took[at].count()) / 1000;
    };
    std::printf("p50 %.1f p99 %.1f p99.9 %.1f longest %.1f\n", microseconds(0.5),
                microseconds(0.99), microseconds(0.999), microseconds(1));
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
