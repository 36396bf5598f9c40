#include "admin/server.hpp"

#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "admin/connection.hpp"

namespace larder::admin {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using boost::system::error_code;

constexpr std::chrono::milliseconds accept_pause{
    100};  // after accepting failed, for example because no descriptor is free

[[noreturn]] void fail(const HostPort& address, const error_code& error) {
    const std::string why = error == asio::error::address_in_use
                                ? "the address is in use; stop the process that serves it, or "
                                  "choose another with --admin or `admin`"
                                : error.message();
    throw std::runtime_error("admin: cannot listen on " + to_text(address) + ": " + why);
}

tcp::endpoint resolve(asio::io_context& context, const HostPort& address) {
    error_code error;
    tcp::resolver resolver(context);
    const auto found =
        resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
    if (error || found.empty()) fail(address, error);
    return found.begin()->endpoint();
}

/// Another owner of the same context.
std::shared_ptr<asio::ssl::context> as_asio_context(const net::TlsContext& tls) {
    if (!tls) return nullptr;
    SSL_CTX_up_ref(tls.get());
    return std::make_shared<asio::ssl::context>(tls.get());
}

tcp protocol_of(int listening_socket) {
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    getsockname(listening_socket, reinterpret_cast<sockaddr*>(&name), &size);
    return name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

Acceptor open_acceptor(asio::io_context& context, const AdminOptions& options) {
    Acceptor acceptor(context.get_executor());
    error_code error;
    if (options.inherited_socket >= 0) {
        acceptor.assign(protocol_of(options.inherited_socket), options.inherited_socket, error);
        if (error) fail(options.address, error);
        return acceptor;
    }
    const tcp::endpoint endpoint = resolve(context, options.address);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) fail(options.address, error);
    return acceptor;
}

}  // namespace

class AdminServer::Core {
public:
    Core(AdminOptions options, AdminBackend& backend)
        : acceptor_(open_acceptor(context_, options)),
          accept_timer_(context_.get_executor()),
          port_(acceptor_.local_endpoint().port()),
          shared_{std::move(options), backend, std::make_shared<Mailbox>(context_)},
          work_(context_.get_executor()) {
        shared_.tls = as_asio_context(shared_.options.tls);
        if (!shared_.options.waits) accept();
        thread_ = std::thread([this] { run(); });
    }

    ~Core() { stop(); }

    void stop() {
        if (!thread_.joinable()) return;
        asio::post(context_, [this] { close_all(); });
        thread_.join();
        shared_.mailbox->close();
    }

    void open() {
        asio::post(context_, [this] { accept(); });
    }

    void stop_accepting() {
        asio::post(context_, [this] {
            error_code ignored;
            acceptor_.close(ignored);
            accept_timer_.cancel();
        });
    }

    void set_access(settings::Admin access, net::TlsContext tls) {
        asio::post(context_, [this, access = std::move(access), tls = std::move(tls)]() mutable {
            shared_.options.access = std::move(access);
            shared_.tls = as_asio_context(tls);
        });
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int native_socket() { return acceptor_.native_handle(); }

private:
    // An exception ends the step that threw it, and with it a connection, but never the process.
    void run() {
        while (!context_.stopped()) {
            try {
                context_.run();
            } catch (...) {
                if (shared_.options.failed) shared_.options.failed(std::current_exception());
            }
        }
    }

    void accept() {
        acceptor_.async_accept([this](error_code error, AdminStream::Tcp::socket_type socket) {
            if (!acceptor_.is_open()) return;
            if (error) return pause();
            // Accepts the next connection before serving this one, because serving may throw.
            accept();
            if (connections_.size() < shared_.options.connections_max) serve(std::move(socket));
        });
    }

    void pause() {
        accept_timer_.expires_after(accept_pause);
        accept_timer_.async_wait([this](error_code error) {
            if (!error && acceptor_.is_open()) accept();
        });
    }

    void serve(AdminStream::Tcp::socket_type socket) {
        const auto connection = std::make_shared<AdminConnection>(
            std::move(socket), shared_,
            [this](AdminConnection* over) { connections_.erase(over->shared_from_this()); });
        connections_.insert(connection);
        connection->start();
    }

    void close_all() {
        work_.reset();
        error_code ignored;
        acceptor_.close(ignored);
        accept_timer_.cancel();
        const auto all = connections_;
        for (const auto& connection : all) connection->close();
    }

    asio::io_context context_{1};
    Acceptor acceptor_;
    asio::steady_timer accept_timer_;
    const std::uint16_t port_;
    AdminShared shared_;
    std::set<std::shared_ptr<AdminConnection>> connections_;  // only on the thread
    asio::executor_work_guard<asio::io_context::executor_type>
        work_;  // until close_all, so that the thread runs without connections too
    std::thread thread_;
};

AdminServer::AdminServer(AdminOptions options, AdminBackend& backend)
    : core_(std::make_unique<Core>(std::move(options), backend)) {}

AdminServer::~AdminServer() = default;

std::uint16_t AdminServer::port() const { return core_->port(); }
int AdminServer::native_socket() const { return core_->native_socket(); }
void AdminServer::set_access(settings::Admin access, net::TlsContext tls) {
    core_->set_access(std::move(access), std::move(tls));
}
void AdminServer::open() { core_->open(); }
void AdminServer::stop_accepting() { core_->stop_accepting(); }
void AdminServer::stop() { core_->stop(); }

}  // namespace larder::admin
