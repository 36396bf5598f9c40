// Sends requests at a constant rate and says how long their answers took, from the moment at which
// each was due: a request that has to wait because earlier ones are slow counts with that wait (no
// coordinated omission).
//
// constant_rate PORT[,PORT...] PATH REQUESTS_PER_SECOND SECONDS CONNECTIONS [MICROSECONDS]
//
// Each port gets that rate and as many connections, all in turn, so that what disturbs this machine
// meets all of them. One line for each port. With MICROSECONDS each port is asked once before the
// rate begins, and its line is followed by how long that took, and by a line for each answer that
// took longer than that: when it was due, in seconds from the beginning, and how long it took.
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
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr nanoseconds awake_before = std::chrono::microseconds(100);
constexpr nanoseconds pause_max = std::chrono::milliseconds(100);

class Load;

/// One keep-alive connection: one request at a time.
struct Connection {
    Load* load = nullptr;
    int socket = -1;
    Clock::time_point due{};  // of the request under way
    std::string in;
};

/// One request that was answered.
struct Answer {
    nanoseconds due{};  // from the beginning
    nanoseconds took{};
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

/// When requests are due: `gap` apart, the first `offset` after the beginning.
struct Schedule {
    nanoseconds gap;
    nanoseconds offset;
    std::size_t count;

    [[nodiscard]] nanoseconds due(std::size_t number) const {
        return offset + gap * static_cast<std::int64_t>(number);
    }
};

/// The requests to one port.
class Load {
public:
    Load(int epoll, int port, const std::string& path, std::size_t connections)
        : request_("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
          connections_(connections) {
        for (Connection& connection : connections_) {
            connection.load = this;
            connection.socket = connect_to(port);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = &connection;
            ::epoll_ctl(epoll, EPOLL_CTL_ADD, connection.socket, &event);
            idle_.push_back(&connection);
        }
    }

    void begin(Clock::time_point now, const Schedule& schedule) {
        began_ = now;
        schedule_ = schedule;
        sent_ = 0;
        answers_.clear();
        answers_.reserve(schedule.count);
    }

    void send_due(Clock::time_point now) {
        while (may_send() && began_ + schedule_.due(sent_) <= now) {
            Connection& connection = *idle_.back();
            idle_.pop_back();
            connection.due = began_ + schedule_.due(sent_++);
            if (::send(connection.socket, request_.data(), request_.size(), 0) !=
                static_cast<ssize_t>(request_.size()))
                throw std::runtime_error("cannot send");
        }
    }

    void receive(Connection& connection) {
        char bytes[16384];
        const ssize_t size = ::recv(connection.socket, bytes, sizeof bytes, 0);
        if (size <= 0) return give_up(connection);
        connection.in.append(bytes, static_cast<std::size_t>(size));
        if (!complete(connection.in)) return;
        connection.in.clear();
        answers_.push_back({connection.due - began_, Clock::now() - connection.due});
        idle_.push_back(&connection);
    }

    [[nodiscard]] bool ended() const { return answers_.size() == schedule_.count; }
    /// When it has to send next; far off while it can send nothing.
    [[nodiscard]] Clock::time_point next() const {
        return may_send() ? began_ + schedule_.due(sent_) : Clock::time_point::max();
    }
    [[nodiscard]] const std::vector<Answer>& answers() const { return answers_; }

private:
    // The most recently used connections are used first, so that others may end for being idle.
    void give_up(Connection& connection) {
        if (std::erase(idle_, &connection) == 0)
            throw std::runtime_error("the connection was closed");
        ::close(connection.socket);
    }

    [[nodiscard]] bool may_send() const { return sent_ < schedule_.count && !idle_.empty(); }

    std::string request_;
    Schedule schedule_{};
    Clock::time_point began_{};
    std::size_t sent_ = 0;
    std::vector<Connection> connections_;
    std::vector<Connection*> idle_;
    std::vector<Answer> answers_;
};

// Sleeps until shortly before something is due, and looks all the time from then on: a sleep may
// end late.
void receive_until(int epoll, Clock::time_point next) {
    const Clock::time_point now = Clock::now();
    const nanoseconds left = std::min<nanoseconds>(next - now, pause_max) - awake_before;
    const timespec most{0, std::max<nanoseconds>(left, {}).count()};
    epoll_event events[64];
    const int ready = ::epoll_pwait2(epoll, events, 64, &most, nullptr);
    for (int i = 0; i < ready; ++i) {
        Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
        connection.load->receive(connection);
    }
}

void run(int epoll, std::deque<Load>& loads, nanoseconds gap, std::size_t count) {
    const Clock::time_point began = Clock::now();
    nanoseconds offset{};
    for (Load& load : loads) {
        load.begin(began, {gap, offset, count});
        offset += gap / static_cast<std::int64_t>(loads.size());
    }
    const auto ended = [](const Load& load) { return load.ended(); };
    while (!std::all_of(loads.begin(), loads.end(), ended)) {
        Clock::time_point next = Clock::time_point::max();
        for (Load& load : loads) {
            load.send_due(Clock::now());
            next = std::min(next, load.next());
        }
        receive_until(epoll, next);
    }
}

double microseconds(nanoseconds time) { return static_cast<double>(time.count()) / 1000; }

void print_summary(const std::vector<Answer>& answers) {
    std::vector<nanoseconds> took;
    for (const Answer& answer : answers) took.push_back(answer.took);
    std::sort(took.begin(), took.end());
    const auto at = [&](double share) {
        const double place = share * static_cast<double>(took.size() - 1);
        return microseconds(took[static_cast<std::size_t>(place)]);
    };
    std::printf("p50 %.1f p99 %.1f p99.9 %.1f longest %.1f\n", at(0.5), at(0.99), at(0.999), at(1));
}

void print_above(const std::vector<Answer>& answers, double limit) {
    for (const Answer& answer : answers)
        if (microseconds(answer.took) > limit)
            std::printf("%.4f %.1f\n", microseconds(answer.due) / 1e6, microseconds(answer.took));
}

std::vector<int> numbers_of(const char* text) {
    std::vector<int> numbers{std::atoi(text)};
    for (const char* at = text; *at != 0; ++at)
        if (*at == ',') numbers.push_back(std::atoi(at + 1));
    return numbers;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 6 && argc != 7) {
        std::fputs(
            "constant_rate PORT[,PORT...] PATH REQUESTS_PER_SECOND SECONDS CONNECTIONS "
            "[MICROSECONDS]\n",
            stderr);
        return 2;
    }
    const double rate = std::atof(argv[3]);
    const double seconds = std::atof(argv[4]);
    const int epoll = ::epoll_create1(0);
    std::deque<Load> loads;
    for (const int port : numbers_of(argv[1]))
        loads.emplace_back(epoll, port, argv[2], static_cast<std::size_t>(std::atoi(argv[5])));
    std::vector<Answer> first;
    if (argc == 7) {
        run(epoll, loads, {}, 1);
        for (const Load& load : loads) first.push_back(load.answers().front());
    }
    run(epoll, loads, nanoseconds(static_cast<std::int64_t>(1e9 / rate)),
        static_cast<std::size_t>(rate * seconds));
    for (std::size_t i = 0; i < loads.size(); ++i) {
        print_summary(loads[i].answers());
        if (argc != 7) continue;
        std::printf("first %.1f\n", microseconds(first[i].took));
        print_above(loads[i].answers(), std::atof(argv[6]));
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
