#pragma once
#include "settings/settings.hpp"

struct ssl_ctx_st;

namespace larder::net {

/// A server's TLS context: TLS 1.2 and 1.3, ALPN http/1.1, session tickets. Throws
/// std::runtime_error with a readable line where certificate or key cannot be used. The caller
/// frees it.
ssl_ctx_st* make_server_tls(const settings::Tls& tls);

/// One more reference to it.
ssl_ctx_st* share_tls(ssl_ctx_st* context);

}  // namespace larder::net
