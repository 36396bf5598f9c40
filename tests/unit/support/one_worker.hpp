#pragma once
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "net/event.hpp"
#include "observe/key_ranks.hpp"
#include "server/make_config.hpp"
#include "settings/load_settings.hpp"
#include "wire/connection_list.hpp"
#include "wire/serve_connection.hpp"

/// One worker that a test drives step by step, with sockets on loopback around it.
namespace larder::test {

class Socket {
public:
    explicit Socket(int descriptor) : descriptor_(descriptor) { REQUIRE(descriptor >= 0); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(descriptor_); }
    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

/// A listening socket of a free port on loopback.
class LoopbackListener {
public:
    LoopbackListener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        REQUIRE(::bind(socket_.get(), as_address(), size) == 0);
        REQUIRE(::getsockname(socket_.get(), as_address(), &size) == 0);
        REQUIRE(::listen(socket_.get(), 8) == 0);
    }
    [[nodiscard]] std::string port() const { return std::to_string(ntohs(address_.sin_port)); }
    [[nodiscard]] int accept() const { return ::accept4(socket_.get(), nullptr, nullptr, 0); }
    [[nodiscard]] int accept_not_blocking() const {
        return ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK);
    }
    void connect(const Socket& client) {
        REQUIRE(::connect(client.get(), as_address(), sizeof address_) == 0);
    }

private:
    sockaddr* as_address() { return reinterpret_cast<sockaddr*>(&address_); }
    Socket socket_;
    sockaddr_in address_{};
};

/// Answers one request with something that may be stored.
inline void answer_once(const LoopbackListener& listener) {
    const Socket connection(listener.accept());
    std::string request;
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection.get(), bytes, sizeof bytes, 0);
        if (got <= 0) return;
        request.append(bytes, static_cast<std::size_t>(got));
    }
    std::string response =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\n"
        "Content-Length: 1024\r\nConnection: close\r\n\r\n";
    response.append(1024, 'x');
    static_cast<void>(::send(connection.get(), response.data(), response.size(), MSG_NOSIGNAL));
}

/// What one worker has, without its threads.
struct OneWorker {
    explicit OneWorker(const std::string& settings_text) {
        settings::Problems problems;
        settings::Settings settings = settings::load_settings_text(settings_text, "test", problems);
        config = server::make_config(std::move(settings), metrics, problems, nullptr);
        REQUIRE(config);
        in_force.set(config);
        memory.trust_until(SteadyTime::max());
        memory.keep_rules(config->routes.rules());
        services.emplace(context, generations, memory, board, metrics.add_worker(), config);
        services->in_force = &in_force;
        services->connections = &open;
        services->peers = &peers;
        services->ranks = std::make_shared<observe::KeyRanks>();
        connections.emplace(*services);
    }
    ~OneWorker() {
        work.reset();
        services->late_writes.stop();
        connections->end_all();
        services->origin.clear();
        services->wheel.stop();
        net::end_all_waits(context);
        context.restart();
        context.run();
    }

    boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    boost::asio::executor_work_guard<net::Executor> work{context.get_executor()};
    store::Generations generations;
    store::MemoryStore memory{16 * 1024 * 1024, generations};
    store::FetchBoard board{generations};
    observe::Metrics metrics{"test"};
    flow::PeerCounts peers;
    std::atomic<std::size_t> open{0};
    flow::ConfigInForce in_force;
    std::shared_ptr<const flow::Config> config;
    std::optional<flow::Services> services;
    std::optional<wire::ConnectionList> connections;
};

/// The bytes that are there, into `room`.
inline std::string_view receive(const Socket& client, std::span<char> room) {
    const ssize_t got = ::recv(client.get(), room.data(), room.size(), MSG_DONTWAIT);
    return {room.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

inline void send(const Socket& client, std::string_view request) {
    REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size()));
}

}  // namespace larder::test
