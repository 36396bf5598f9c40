#pragma once
#include <boost/intrusive/list.hpp>
#include <memory>

#include "wire/client_pool.hpp"
#include "wire/connection.hpp"

namespace larder::wire {

namespace http1 {
class Client;
}
namespace http2 {
class StreamClient;
}

/// Owns the connections of one worker. All others borrow a connection until `close`. One thread.
class ConnectionList {
public:
    explicit ConnectionList(flow::Services& services_in) : services(services_in) {}
    ConnectionList(const ConnectionList&) = delete;
    ConnectionList& operator=(const ConnectionList&) = delete;
    ~ConnectionList();

    Connection& add(net::TcpSocket socket, const boost::asio::ip::address& peer);
    /// Ends the connection and destroys it: the reference becomes invalid.
    void close(Connection& connection);

    /// How many have a request under way, or a part of one.
    [[nodiscard]] std::size_t busy() const;
    /// Tells the clients of HTTP/2 to open no more streams. In HTTP/1.1 the next response says so.
    void begin_drain();
    /// Wakes the idle connections, which then end.
    void end_idle();
    /// Ends every wait of every connection, which ends the connections.
    void end_all();

    flow::Services& services;
    ClientPool<http1::Client> http1_clients;
    ClientPool<http2::StreamClient> http2_clients;

private:
    boost::intrusive::list<Connection> connections_;
};

/// Closes a connection when the scope that serves it ends, unless it was dismissed because other
/// code serves the connection from then on.
class CloseOnReturn {
public:
    explicit CloseOnReturn(Connection& connection) : connection_(&connection) {}
    CloseOnReturn(const CloseOnReturn&) = delete;
    CloseOnReturn& operator=(const CloseOnReturn&) = delete;
    ~CloseOnReturn() {
        if (connection_) connection_->list.close(*connection_);
    }
    void dismiss() { connection_ = nullptr; }

private:
    Connection* connection_;
};

}  // namespace larder::wire
