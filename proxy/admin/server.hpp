#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "admin/backend.hpp"
#include "base/host_port.hpp"
#include "net/tls_context.hpp"
#include "settings/settings.hpp"

namespace larder::admin {

struct AdminOptions {
    HostPort address{"127.0.0.1", 9180};  ///< port 0: any free one
    settings::Admin access;               ///< its tokens count
    net::TlsContext tls;                  ///< null: none
    int inherited_socket =
        -1;  ///< a listening socket to take over instead of opening one; the server owns it
    bool waits = false;                 ///< accepts no connection before open()
    std::size_t connections_max = 128;  ///< beyond: closed at once
    std::chrono::milliseconds request_timeout{
        10'000};  ///< for a request, from its first byte or from the opening of the connection
    std::chrono::milliseconds idle_timeout{75'000};  ///< between requests
    std::chrono::milliseconds answer_timeout{
        30'000};  ///< for /purge and /explain: 504; also for sending
    std::function<void(std::exception_ptr)>
        failed;  ///< called with an exception of the server, on its thread
};

/// The HTTP server of the admin address. It has its own thread, so that an admin request does not
/// delay a worker and a slow worker does not delay /healthz. Requests are limited to 16 KB of head
/// and 1 MB of body.
class AdminServer {
public:
    /// Listens and starts the thread. `backend` must outlive this object. Throws std::runtime_error
    /// with a readable line if it cannot listen on the address.
    AdminServer(AdminOptions options, AdminBackend& backend);
    /// As stop().
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// The listening socket, for handing it to a successor.
    [[nodiscard]] int native_socket() const;

    /// Sets the tokens for the next requests and the certificate for the next connections, after a
    /// reload. From any thread.
    void set_access(settings::Admin access, net::TlsContext tls);

    /// Accepts from now on. From any thread.
    void open();
    /// Stops accepting; open connections are served on. From any thread.
    void stop_accepting();

    /// Closes all connections and ends the thread. Later completions of the backend are ignored.
    void stop();

private:
    class Core;
    std::unique_ptr<Core> core_;
};

}  // namespace larder::admin
