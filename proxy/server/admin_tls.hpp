#pragma once
#include "net/tls_context.hpp"

namespace larder::server {

/// The TLS context of the admin server; null: it has none. Throws std::runtime_error with a
/// readable line where certificate or key cannot be used.
[[nodiscard]] net::TlsContext make_admin_tls(const settings::Admin& admin);

}  // namespace larder::server
