#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "http/message.hpp"

namespace larder::wire::http1 {

/// How a response is delimited on its connection, and whether the connection stays open (RFC 9112,
/// 6.3 and 9.3).
struct ResponseFraming {
    bool has_body = true;      ///< bytes of a body follow the head
    bool chunked = false;      ///< in chunks
    bool until_close = false;  ///< the end of the connection ends the body
    bool keep_alive = true;    ///< another request may follow
};

/// What the framing depends on.
struct FramedResponse {
    http::Method method = http::Method::get;  ///< of the request, like the next two
    int minor_version = 1;
    bool may_keep_alive = true;  ///< no other reason ends the connection
    int status = 200;
    std::optional<std::uint64_t> length;  ///< of the body, if known
    bool length_in_lines = false;         ///< the head has its Content-Length already
};

[[nodiscard]] ResponseFraming frame_response(const FramedResponse& response);

/// Appends the field lines of the framing: Content-Length, Transfer-Encoding and Connection.
void append_framing(const FramedResponse& response, const ResponseFraming& framing,
                    std::string& out);

/// Appends Content-Length if the length is known and not in the head yet.
void append_length(const FramedResponse& response, std::string& out);

/// Appends Connection if it differs from the default of the version (RFC 9112, 9.3).
void append_connection(bool keep_alive, int minor_version, std::string& out);

}  // namespace larder::wire::http1
