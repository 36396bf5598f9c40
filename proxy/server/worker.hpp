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
#include "observe/fetch_findings.hpp"
#include "observe/purge_records.hpp"
#include "origin/address_watch.hpp"
#include "store/memory_sweeper.hpp"
#include "wire/connection_list.hpp"

namespace larder::server {

/// What all workers share. Every member is thread-safe.
struct Shared {
    store::Generations generations;
    std::unique_ptr<store::MemoryStore> memory;
    std::unique_ptr<store::FetchBoard> board;
    std::unique_ptr<redis::RedisShared> redis;  ///< null: off
    observe::Metrics metrics{LARDER_VERSION};
    flow::PurgeRelay* relay = nullptr;  ///< of the program; set before the workers are made
    std::atomic<std::size_t> connections{0};
    flow::PeerCounts peers;
    observe::PurgeRecords purges;
    observe::FetchFindings findings;
    std::shared_ptr<observe::RequestEvents> events;
    flow::ConfigInForce config;
    std::atomic<int> audits{0};
    std::unique_ptr<store::MemorySweeper> sweeper;  ///< last, so that it ends before the memory
    std::unique_ptr<store::Compressor> compressor;  ///< the same
};

/// How the connections of a listener are served.
struct ListenerOptions {
    std::string address;  ///< as configured
    net::TlsContext tls;
    bool proxy_protocol = false;
    bool http2 = true;
};

/// One listener of one worker.
struct ListeningSocket {
    int descriptor = -1;
    ListenerOptions options;
};

/// A thread, its io_context and everything that runs on it. Calls from other threads go through
/// post().
class Worker {
public:
    Worker(Shared& shared, int index, std::shared_ptr<const flow::Config> config);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Takes the listening socket; before start(), or on the worker's thread.
    void add_listener(const ListeningSocket& listener);
    void start();
    /// Accepts from now on. Until then new connections wait in the kernel's queue.
    void start_accepting();
    void join();

    /// Runs `work` on the worker's thread. Any thread.
    void post(std::function<void()> work);

    // ---- on the worker's thread
    /// Takes over the configuration in force, if no request has done so.
    void follow_reload() { services_.follow_reload(); }
    /// New connections at these addresses are served so. Closes the listeners of all other
    /// addresses once it has accepted what waits there.
    void keep_listeners(const std::vector<ListenerOptions>& kept);
    /// Takes one more listening socket, and accepts from it at once.
    void open_listener(const ListeningSocket& listener);
    void stop_accepting();
    [[nodiscard]] std::size_t busy() const { return connections_.busy(); }
    /// Planned purges and awaited answers of writes with an unknown outcome.
    [[nodiscard]] std::size_t late_writes() const { return services_.late_writes.pending(); }
    void close_idle() { connections_.end_idle(); }
    /// Ends everything that still runs, so that the thread ends.
    void stop();

    /// The metrics of the worker on whose thread the caller is; null on any other thread.
    [[nodiscard]] static observe::WorkerMetrics* metrics_of_this_thread();

    [[nodiscard]] flow::Services& services() { return services_; }
    [[nodiscard]] boost::asio::io_context& context() { return context_; }

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, net::Executor>;
    struct Listener {
        Acceptor acceptor;
        ListenerOptions options;
        bool is_unix = false;
    };

    void use_config(std::shared_ptr<const flow::Config> config);
    void watch_origin();
    void begin_accepting(const std::shared_ptr<Listener>& listener);
    net::Task<void> accept(std::shared_ptr<Listener> listener);
    int accept_some(Listener& listener);
    void welcome(int descriptor, const boost::asio::ip::tcp::endpoint& peer,
                 const Listener& listener);

    Shared& shared_;
    // All of its sockets are used on its own thread only, so they need no locks.
    boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    boost::asio::executor_work_guard<net::Executor> work_;
    flow::Services services_;
    wire::ConnectionList connections_;
    std::vector<std::shared_ptr<Listener>> listeners_;
    std::thread thread_;
    flow::HealthWatch health_;        // the first worker's
    origin::AddressWatch addresses_;  // the first worker's
    bool first_;
    bool accepting_ = true;
};

}  // namespace larder::server
