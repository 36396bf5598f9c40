#pragma once
#include "http/head_parser.hpp"
#include "wire/connection.hpp"
#include "wire/http1/client.hpp"

namespace larder::wire::http1 {

/// The result of an attempt to read.
enum class ReadResult : std::uint8_t {
    data,     ///< bytes came
    nothing,  ///< no bytes are there now
    closed,   ///< the client has ended, or the connection is lost
};

/// Reads the bytes that are there, without waiting.
[[nodiscard]] ReadResult read_some(Connection& connection);

/// The result of looking at the buffer once.
enum class Step : std::uint8_t {
    read_more,  ///< the head is not complete
    answered,   ///< answered, except for bytes that the client did not take at once
    answer,     ///< a head is there; the answer needs a coroutine
    refuse,     ///< the head is not acceptable: `parsed` says why
    http2,      ///< the preface of HTTP/2 by prior knowledge (RFC 9113, 3.3)
};
struct RequestRead {
    Step step = Step::read_more;
    http::HeadResult parsed;
};

/// The connection's Client, ready for a request whose first bytes came.
Client& begin_request(Connection& connection);

/// Parses the bytes of a request that have come, and answers the request if no wait is needed.
/// Precondition: the buffer is not empty.
[[nodiscard]] RequestRead read_request(Connection& connection);

}  // namespace larder::wire::http1
