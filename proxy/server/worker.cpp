#include "server/worker.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "net/detached.hpp"
#include "observe/key_ranks.hpp"
#include "observe/request_events.hpp"
#include "redis/shared.hpp"
#include "server/purge_stream.hpp"
#include "wire/serve_connection.hpp"

namespace larder::server {
namespace {

thread_local observe::WorkerMetrics* own_metrics = nullptr;

}  // namespace

observe::WorkerMetrics* Worker::metrics_of_this_thread() { return own_metrics; }

Worker::Worker(Shared& shared, int index, std::shared_ptr<const flow::Config> config)
    : shared_(shared),
      work_(context_.get_executor()),
      services_(context_, shared.generations, *shared.memory, *shared.board,
                shared.metrics.add_worker(), std::move(config)),
      connections_(services_),
      first_(index == 0) {
    services_.connections = &shared.connections;
    services_.peers = &shared.peers;
    services_.compressor = shared.compressor.get();
    services_.audits = &shared.audits;
    services_.purges = &shared.purges;
    services_.events = shared.events.get();
    // Only the admin server tells of these.
    if (services_.config->settings.admin.address) {
        services_.findings = &shared.findings;
        services_.ranks = std::make_shared<observe::KeyRanks>();
    }
    services_.in_force = &shared.config;
    services_.adopt = [this](std::shared_ptr<const flow::Config> newest) {
        use_config(std::move(newest));
    };
    services_.relay = shared.relay;
    if (shared.redis)
        services_.redis = std::make_unique<redis::RedisStore>(context_, *shared.redis, index);
}

void Worker::add_listener(const ListeningSocket& listener) {
    auto open =
        std::make_shared<Listener>(Listener{Acceptor(context_.get_executor()), listener.options});
    boost::system::error_code ignored;
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(listener.descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    open->acceptor.assign(
        address.ss_family == AF_INET6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(),
        listener.descriptor, ignored);
    open->is_unix = address.ss_family == AF_UNIX;
    listeners_.push_back(std::move(open));
}

void Worker::start_accepting() {
    post([this] {
        for (const auto& listener : listeners_) begin_accepting(listener);
    });
}

void Worker::begin_accepting(const std::shared_ptr<Listener>& listener) {
    net::start_lasting(
        context_.get_executor(), [this, listener] { return accept(listener); },
        "accepting connections");
}

void Worker::start() {
    if (first_) post([this] { watch_origin(); });
    if (first_ && shared_.redis) post([this] { follow_purge_stream(services_, *shared_.redis); });
    thread_ = std::thread([this] {
        own_metrics = &services_.metrics;
        net::run_context(context_, "a step of a worker");
    });
}

void Worker::join() {
    if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }

net::Task<void> Worker::accept(std::shared_ptr<Listener> listener) {
    net::Event pause(context_.get_executor());
    while (accepting_ && listener->acceptor.is_open()) {
        if (shared_.connections.load(std::memory_order_relaxed) >=
            services_.config->settings.limits.connections) {
            // Full: new connections wait in the kernel's queue until one is closed.
            const bool goes_on = co_await pause.wait_until(steady_now() + Milliseconds(20));
            if (!goes_on) break;
            continue;
        }
        const int error = accept_some(*listener);
        if (error == EAGAIN || error == EWOULDBLOCK || error == 0) {
            const auto [failed] =
                co_await listener->acceptor.async_wait(Acceptor::wait_read, net::as_result);
            if (failed) break;
            continue;
        }
        if (!accepting_) break;
        // Out of descriptors or memory: pause accepting, and serve the open connections.
        spdlog::warn("cannot accept a connection: {}", std::strerror(error));
        const bool goes_on = co_await pause.wait_until(steady_now() + Milliseconds(100));
        if (!goes_on) break;
    }
}

// Accepts connections from the kernel's queue, at most 64 so that open connections do not wait.
// Returns the error that ended it; 0: more may be there.
int Worker::accept_some(Listener& listener) {
    constexpr int at_once = 64;
    for (int i = 0; i < at_once; ++i) {
        boost::asio::ip::tcp::endpoint peer;
        auto size = static_cast<socklen_t>(peer.capacity());
        sockaddr* const address = listener.is_unix ? nullptr : peer.data();
        const int descriptor = ::accept4(listener.acceptor.native_handle(), address,
                                         address ? &size : nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            if (address) peer.resize(size);
            net::run_guarded(context_, "accepting a connection",
                             [&] { welcome(descriptor, peer, listener); });
            if (shared_.connections.load(std::memory_order_relaxed) >=
                services_.config->settings.limits.connections)
                return 0;
            continue;
        }
        if (errno != EINTR && errno != ECONNABORTED) return errno;
    }
    return 0;
}

void Worker::welcome(int descriptor, const boost::asio::ip::tcp::endpoint& peer,
                     const Listener& listener) {
    std::optional<net::TcpSocket> socket =
        net::own_socket(context_.get_executor(), peer.protocol(), descriptor);
    if (!socket) return;
    // A client on a Unix socket is on this machine, as one on the loopback interface is.
    const boost::asio::ip::address address =
        listener.is_unix ? boost::asio::ip::address_v4::loopback() : peer.address();
    wire::Connection& connection = connections_.add(std::move(*socket), address);
    if (listener.is_unix) connection.peer_name = "unix";
    const ListenerOptions& options = listener.options;
    if (options.tls) connection.stream.start_tls(options.tls.get(), true, nullptr);
    wire::serve_connection(connection,
                           {options.tls != nullptr, options.proxy_protocol, options.http2});
}

void Worker::use_config(std::shared_ptr<const flow::Config> config) {
    const std::shared_ptr<const flow::Config> before =
        std::exchange(services_.config, std::move(config));
    services_.late_writes.follow_rules(*before, *services_.config);
    services_.access_log = observe::AccessLog(services_.config->settings.log);
    services_.origin.clear();
    services_.uncacheable = {};
    connections_.http1_clients.clear();
    connections_.http2_clients.clear();
    if (first_) watch_origin();
}

void Worker::watch_origin() {
    addresses_.start(services_.executor(), services_.origin, services_.config->upstreams);
    health_.start(services_);
}

void Worker::keep_listeners(const std::vector<ListenerOptions>& kept) {
    std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
        const auto found =
            std::find_if(kept.begin(), kept.end(), [&](const ListenerOptions& options) {
                return options.address == listener->options.address;
            });
        if (found != kept.end()) {
            listener->options = *found;
            return false;
        }
        // What the kernel has accepted already would be reset.
        while (accept_some(*listener) == 0 && shared_.connections.load(std::memory_order_relaxed) <
                                                  services_.config->settings.limits.connections) {
        }
        boost::system::error_code ignored;
        listener->acceptor.close(ignored);
        return true;
    });
}

void Worker::open_listener(const ListeningSocket& listener) {
    add_listener(listener);
    begin_accepting(listeners_.back());
}

void Worker::stop_accepting() {
    accepting_ = false;
    services_.draining = true;
    boost::system::error_code ignored;
    for (const auto& listener : listeners_) listener->acceptor.close(ignored);
    connections_.begin_drain();
}

void Worker::stop() {
    health_.stop();
    addresses_.stop();
    services_.late_writes.stop();
    connections_.end_all();
    services_.origin.clear();
    if (services_.redis) services_.redis->stop();
    services_.wheel.stop();
    net::end_all_waits(context_);
    work_.reset();
}

}  // namespace larder::server
