#pragma once
#include <memory>

#include "flow/client.hpp"

namespace larder::flow {

/// What a listener asks of its connections before the first request.
struct Preface {
    bool tls = false;  ///< the stream speaks TLS already, its handshake is still to come
    bool proxy_protocol =
        false;  ///< a PROXY header comes first, believed from trusted_proxies only
};

/// The connections of one worker, to be counted and closed. One thread.
class ClientList {
public:
    void add(Client& client);
    void remove(Client& client);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t busy() const;
    void close_idle();
    void close_all();

private:
    Client* first_ = nullptr;
    std::size_t size_ = 0;
};

/// Serves one connection until it ends: request after request, pipelined ones in their order. While
/// it idles it is one object and a wait; a hit is answered right from the wake-up; only what has to
/// wait runs as a coroutine.
void serve_client(std::unique_ptr<Client> client, Preface preface);

}  // namespace larder::flow
