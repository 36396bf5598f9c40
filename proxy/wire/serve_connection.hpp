#pragma once
#include "wire/connection.hpp"

namespace larder::wire {

/// What a listener asks of its connections before the first request.
struct Preface {
    bool tls = false;  ///< the stream speaks TLS already, its handshake is still to come
    bool proxy_protocol =
        false;  ///< a PROXY header comes first, believed from trusted_proxies only
};

/// Serves the connection until it ends, and then closes it in its list.
void serve_connection(Connection& connection, Preface preface);

}  // namespace larder::wire
