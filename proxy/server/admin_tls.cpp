#include "server/admin_tls.hpp"

#include <openssl/ssl.h>

namespace larder::server {

net::TlsContext make_admin_tls(const settings::Admin& admin) {
    if (!admin.tls) return {};
    settings::Listener listener;
    listener.tls = admin.tls;
    net::TlsContext context = net::make_server_tls(listener, "admin");
    // The admin server speaks HTTP/1.1 only, whatever the listeners negotiate.
    SSL_CTX_set_alpn_select_cb(context.get(), nullptr, nullptr);
    return context;
}

}  // namespace larder::server
