#pragma once
#include <cstdint>
#include <string_view>

#include "http/fields.hpp"

namespace larder::http {

/// How the end of a message's body is found (RFC 9112, 6.3).
enum class Framing : std::uint8_t {
    none,         ///< there is no body
    length,       ///< Content-Length bytes
    chunked,      ///< the chunked transfer coding
    until_close,  ///< all bytes until the connection closes (responses only)
};

enum class Method : std::uint8_t {
    get,
    head,
    post,
    put,
    patch,
    delete_,
    options,
    trace,
    connect,
    query,
    propfind,
    report,
    search,
    pri,
    purge,  ///< not in the registry; larder defines it
    other,
};

/// Method names are case-sensitive (RFC 9110, 9.1).
Method method_of(std::string_view name);

/// The safe methods of IANA's registry (RFC 9110, 9.2.1 and 16.1). An unknown method is unsafe.
constexpr bool is_safe(Method m) {
    switch (m) {
        case Method::get:
        case Method::head:
        case Method::options:
        case Method::trace:
        case Method::query:
        case Method::propfind:
        case Method::report:
        case Method::search:
        case Method::pri:
            return true;
        default:
            return false;
    }
}

/// Whether a request may be sent again after a lost connection (RFC 9110, 9.2.2).
constexpr bool is_idempotent(Method m) {
    return is_safe(m) || m == Method::put || m == Method::delete_;
}

/// The head of a request after the strict checks: views into the connection's buffer, valid until
/// the next head.
struct RequestHead {
    Method method = Method::other;
    std::string_view method_name;
    std::string_view target;  ///< origin-form or "*"; the parser converts an absolute-form
    std::string_view path;    ///< the target up to '?'
    std::string_view query;   ///< the target after the '?'; see has_query
    bool has_query = false;
    std::string_view
        host;  ///< host[:port] of Host or of the absolute-form; empty in HTTP/1.0 without Host
    std::uint8_t minor_version = 1;
    std::uint8_t major_version = 1;  ///< 2: it came over HTTP/2, and minor_version is 1
    Fields fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;
    bool expects_continue = false;

    /// The sender of the request, which is not a part of the message. larder tells the origin about
    /// the peer in X-Forwarded-* and similar fields, and a Vary on such a field uses these values
    /// instead of the client's. If `peer` is empty, the fields count as received.
    std::string_view peer;
    bool peer_trusted = false;  ///< the peer's forwarding fields are believed
    bool peer_tls = false;

    /// Scheme and authority of the target URI, as the origin sees them. set_target_uri sets them
    /// (http/target_uri.hpp).
    std::string_view scheme;
    std::string_view authority;

    /// The whole body, where a key is made of it; else empty.
    std::string_view body;
};

/// The methods of reads that ask by their body: QUERY (RFC 10008), and POST where a route says that
/// it reads.
constexpr bool may_ask_by_body(Method m) { return m == Method::query || m == Method::post; }

/// The head of a response after the strict checks.
struct ResponseHead {
    int status = 0;
    std::string_view reason;
    std::uint8_t minor_version = 1;
    Fields fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;
};

}  // namespace larder::http
