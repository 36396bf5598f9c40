#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdexcept>

namespace larder::net {
namespace {

// The order is that of larder's preference.
constexpr std::string_view http1_only = "\x08http/1.1\x08http/1.0";
constexpr std::string_view http2_first = "\x02h2\x08http/1.1\x08http/1.0";

// `offered` is one of the lists above.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void* offered) {
    const auto& list = *static_cast<const std::string_view*>(offered);
    const auto* ours = reinterpret_cast<const unsigned char*>(list.data());
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned>(list.size()), in,
                              in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2: no_application_protocol
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

std::string last_error() {
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return text;
}

// Lets in only clients that show a certificate which one of these authorities issued.
void require_client_certificate(SSL_CTX* context, const std::string& authorities,
                                std::string_view where) {
    const auto refuse = [&] {
        throw std::runtime_error(std::string(where) + ".tls.client_ca: cannot use " + authorities +
                                 ": " + last_error());
    };
    if (SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) refuse();
    // Null: the file holds no certificate, and nobody would get in.
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(authorities.c_str());
    if (!names) refuse();
    SSL_CTX_set_client_CA_list(context, names);  // takes the names over
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Without an id context, OpenSSL resumes no session of a client that showed a certificate.
    static constexpr unsigned char id[] = "larder";
    SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
}

}  // namespace

TlsContext own_tls_context(ssl_ctx_st* context) { return {context, &SSL_CTX_free}; }

TlsContext make_server_tls(const settings::Listener& listener, std::string_view where) {
    const settings::Tls& tls = *listener.tls;
    const TlsContext owner = own_tls_context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = owner.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    const std::string_view& offered = listener.http2 ? http2_first : http1_only;
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<std::string_view*>(&offered));
    const bool certificate =
        SSL_CTX_use_certificate_chain_file(context, tls.certificate.c_str()) == 1;
    const bool key =
        certificate && SSL_CTX_use_PrivateKey_file(context, tls.key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!key || SSL_CTX_check_private_key(context) != 1) {
        throw std::runtime_error(std::string(where) + ".tls: cannot use " +
                                 (certificate ? tls.key : tls.certificate) + ": " + last_error());
    }
    if (!tls.client_ca.empty()) require_client_certificate(context, tls.client_ca, where);
    return owner;
}

}  // namespace larder::net
