#include "wire/connection_list.hpp"

#include <algorithm>

#include "wire/http1/client.hpp"
#include "wire/http2/endpoint.hpp"
#include "wire/http2/stream_client.hpp"

namespace larder::wire {

Connection::Connection(net::TcpSocket socket, ConnectionList& list_in,
                       boost::asio::ip::address peer_in)
    : list(list_in),
      stream(std::move(socket), list_in.services.wheel),
      in(list_in.services.buffers),
      peer(peer_in) {
    services().connections->fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
    if (client) list.http1_clients.give_back(std::move(client));
    if (counted) services().peers->remove(peer);
    services().connections->fetch_sub(1, std::memory_order_relaxed);
}

flow::Services& Connection::services() const { return list.services; }

ConnectionList::~ConnectionList() {
    connections_.clear_and_dispose([](Connection* connection) { delete connection; });
}

Connection& ConnectionList::add(net::TcpSocket socket, const boost::asio::ip::address& peer) {
    auto connection = std::make_unique<Connection>(std::move(socket), *this, peer);
    connections_.push_back(*connection);
    return *connection.release();
}

void ConnectionList::close(Connection& connection) {
    connections_.erase_and_dispose(connections_.iterator_to(connection),
                                   [](Connection* closed) { delete closed; });
}

std::size_t ConnectionList::busy() const {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(),
                      [](const Connection& connection) { return !connection.idle; }));
}

void ConnectionList::begin_drain() {
    for (auto next = connections_.begin(); next != connections_.end();) {
        const Connection& connection = *next++;  // it may end now
        if (connection.http2) connection.http2->begin_drain();
    }
}

void ConnectionList::end_idle() {
    for (Connection& connection : connections_)
        if (connection.idle) connection.stream.cancel();
}

void ConnectionList::end_all() {
    for (Connection& connection : connections_) connection.stream.cancel();
}

}  // namespace larder::wire
