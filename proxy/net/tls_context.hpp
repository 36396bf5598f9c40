#pragma once
#include <memory>
#include <string_view>

#include "settings/settings.hpp"

struct ssl_ctx_st;

namespace larder::net {

/// A TLS context of OpenSSL, freed with its last owner. Null: no TLS.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// Owns what SSL_CTX_new returned.
[[nodiscard]] TlsContext own_tls_context(ssl_ctx_st* context);

/// A server's context: TLS 1.2 and 1.3, session tickets, and by ALPN HTTP/1.1 and, unless the
/// listener turns it off, HTTP/2. `where` is the setting that a fault is named by ("listen").
/// Throws std::runtime_error with a readable line where certificate or key cannot be used.
/// Precondition: the listener has TLS.
[[nodiscard]] TlsContext make_server_tls(const settings::Listener& listener,
                                         std::string_view where);

}  // namespace larder::net
