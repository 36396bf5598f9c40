#pragma once
#include "wire/connection.hpp"

namespace larder::wire {

/// What comes before the first request on a listener's connections.
struct Preface {
    bool tls = false;             ///< the stream is a TLS stream; the handshake is still to be done
    bool proxy_protocol = false;  ///< a PROXY header comes first; used only from trusted_proxies
    bool http2 = true;            ///< HTTP/2 by prior knowledge; TLS decides by ALPN
};

/// Serves the connection until it ends, and then closes it in its list.
void serve_connection(Connection& connection, Preface preface);

}  // namespace larder::wire
