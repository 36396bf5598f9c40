#pragma once
#include <boost/asio/ip/address.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "flow/exchange.hpp"
#include "flow/services.hpp"
#include "net/buffer.hpp"
#include "net/stream.hpp"

namespace larder::flow {

class ClientList;

/// One client's connection. Small while it idles: the buffers and the exchange are lent.
struct Client {
    Client(net::TcpSocket socket, Services& services_in, ClientList& list_in,
           boost::asio::ip::address peer_in);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Services& services;
    ClientList& list;
    net::Stream stream;
    net::Buffer in;                 ///< bytes of the client behind the present head
    net::Buffer head_apart;         ///< the present head, where its body is read through `in`
    boost::asio::ip::address peer;  ///< or what the PROXY header of a trusted peer said
    std::string peer_name;          ///< the same as text, once a request came
    std::shared_ptr<const Config> config;
    std::unique_ptr<Exchange> lent_exchange;
    bool counted = false;        ///< in services.peers
    bool idle = true;            ///< between two requests, nothing of the next one seen
    Client* previous = nullptr;  ///< in the worker's list
    Client* next = nullptr;

    [[nodiscard]] Exchange& exchange() { return *lent_exchange; }
    [[nodiscard]] const http::RequestHead& request() const { return lent_exchange->request; }
    [[nodiscard]] const settings::Settings& settings() const { return config->settings; }
};

}  // namespace larder::flow
