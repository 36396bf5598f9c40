#pragma once
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "flow/services.hpp"
#include "flow/watch_health.hpp"
#include "net/tls_context.hpp"
#include "origin/address_watch.hpp"
#include "store/memory_sweeper.hpp"
#include "wire/connection_list.hpp"

namespace larder::server {

/// What all workers share and is safe by itself.
struct Shared {
    store::Generations generations;
    std::unique_ptr<store::MemoryStore> memory;
    std::unique_ptr<store::FetchBoard> board;
    std::unique_ptr<redis::RedisShared> redis;  ///< null: off
    observe::Metrics metrics{LARDER_VERSION};
    flow::PurgeRelay* relay = nullptr;  ///< of the program; set before the workers are made
    std::atomic<std::size_t> connections{0};
    flow::PeerCounts peers;
    flow::ConfigInForce config;
    std::unique_ptr<store::MemorySweeper> sweeper;  ///< last, so that it ends before what it sweeps
};

/// One listener of one worker.
struct ListeningSocket {
    int descriptor = -1;
    net::TlsContext tls;
    bool proxy_protocol = false;
    std::string address;  ///< as configured
};

/// TLS contexts by the listener's address, as configured.
using TlsByAddress = std::vector<std::pair<std::string, net::TlsContext>>;

/// A thread, its io_context and all that lives on it. Calls from other threads go through post().
class Worker {
public:
    Worker(Shared& shared, int index, std::shared_ptr<const flow::Config> config);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Takes the listening sockets; before start().
    void add_listener(ListeningSocket listener);
    void start();
    /// Accepts from now on; until then the kernel's queue holds who comes.
    void start_accepting();
    void join();

    /// Runs on the worker's thread.
    void post(std::function<void()> work);

    // ---- on the worker's thread
    /// Takes over the configuration in force, where that was not done by a request.
    void follow_reload() { services_.follow_reload(); }
    /// New certificates for the listeners of these addresses, where they have TLS.
    void use_tls(const TlsByAddress& contexts);
    void stop_accepting();
    [[nodiscard]] std::size_t busy() const { return connections_.busy(); }
    /// Purges that are still to come: of writes whose outcome is not known.
    [[nodiscard]] std::size_t late_writes() const { return services_.late_writes.pending(); }
    void close_idle() { connections_.end_idle(); }
    /// Ends everything that is left; the thread then runs out of work.
    void stop();

    /// Of the worker whose thread asks; null on any other thread.
    [[nodiscard]] static observe::WorkerMetrics* metrics_of_this_thread();

    [[nodiscard]] flow::Services& services() { return services_; }
    [[nodiscard]] boost::asio::io_context& context() { return context_; }

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, net::Executor>;
    struct Listener {
        Acceptor acceptor;
        net::TlsContext tls;
        bool proxy_protocol;
        std::string address;
    };

    void use_config(std::shared_ptr<const flow::Config> config);
    void watch_origin();
    net::Task<void> accept(Listener& listener);
    int accept_some(Listener& listener);
    void welcome(int descriptor, const boost::asio::ip::tcp::endpoint& peer,
                 const Listener& listener);

    Shared& shared_;
    // All of its sockets are used on its own thread only: their locks are not needed.
    boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    boost::asio::executor_work_guard<net::Executor> work_;
    flow::Services services_;
    wire::ConnectionList connections_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::thread thread_;
    flow::HealthWatch health_;        // the first worker's
    origin::AddressWatch addresses_;  // the first worker's
    bool first_;
    bool accepting_ = true;
};

}  // namespace larder::server
