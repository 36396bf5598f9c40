#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "http/message.hpp"

namespace larder::wire::http1 {

/// How a response is delimited on its connection, and whether the connection goes on (RFC 9112, 6.3
/// and 9.3).
struct ResponseFraming {
    bool has_body = true;      ///< bytes of a body follow the head
    bool chunked = false;      ///< in chunks
    bool until_close = false;  ///< the end of the connection ends it
    bool keep_alive = true;    ///< another request may follow
};

/// What the framing depends on.
struct FramedResponse {
    http::Method method = http::Method::get;  ///< of the request, as are the next two
    int minor_version = 1;
    bool may_keep_alive = true;  ///< nothing else ends the connection
    int status = 200;
    std::optional<std::uint64_t> length;  ///< of the body, where it is known
    bool length_in_lines = false;         ///< the head has its Content-Length already
};

[[nodiscard]] ResponseFraming frame_response(const FramedResponse& response);

/// Appends the lines that say so: Content-Length, Transfer-Encoding and Connection.
void append_framing(const FramedResponse& response, const ResponseFraming& framing,
                    std::string& out);

/// Appends Connection where it says something that the version does not (RFC 9112, 9.3).
void append_connection(bool keep_alive, int minor_version, std::string& out);

}  // namespace larder::wire::http1
