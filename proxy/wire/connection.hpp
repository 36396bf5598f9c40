#pragma once
#include <boost/asio/ip/address.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <memory>
#include <string>

#include "flow/services.hpp"
#include "net/buffer.hpp"
#include "net/stream.hpp"

namespace larder::wire {

class ConnectionList;
namespace http1 {
class Client;
}
namespace http2 {
class Endpoint;
}

/// One client's connection. Small while it is idle: the buffer and the state of a request are lent
/// to it only when needed. The worker's list owns it. One thread.
struct Connection : boost::intrusive::list_base_hook<> {
    Connection(net::TcpSocket socket, ConnectionList& list_in, boost::asio::ip::address peer_in);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    [[nodiscard]] flow::Services& services() const;

    ConnectionList& list;
    net::Stream stream;
    net::Buffer in;                          ///< bytes of the client after the present head
    boost::asio::ip::address peer;           ///< or the address in a trusted peer's PROXY header
    std::string peer_name;                   ///< the same as text, once a request came
    std::unique_ptr<http1::Client> client;   ///< lent while a request is under way
    std::unique_ptr<http2::Endpoint> http2;  ///< null: HTTP/1.1 is spoken
    bool may_be_http2 = false;               ///< the client's first bytes may be HTTP/2's preface
    bool counted = false;                    ///< in Services::peers
    bool idle = true;                        ///< between two requests, no byte of the next one seen
};

}  // namespace larder::wire
