#pragma once
#include "http/head_parser.hpp"
#include "wire/connection.hpp"
#include "wire/http1/client.hpp"

namespace larder::wire::http1 {

/// What an attempt to read came to.
enum class ReadResult : std::uint8_t {
    data,     ///< bytes came
    nothing,  ///< nothing is there now
    closed,   ///< the client has ended, or the connection is lost
};

/// Reads what is there, without waiting.
[[nodiscard]] ReadResult read_some(Connection& connection);

/// What one look at the buffer came to.
enum class Step : std::uint8_t {
    read_more,  ///< the head is not complete
    answered,   ///< answered already, but for what the client did not take at once
    answer,     ///< a head is there; the answer takes a coroutine
    refuse,     ///< the head is not acceptable: `parsed` says why
};
struct RequestRead {
    Step step = Step::read_more;
    http::HeadResult parsed;
};

/// The connection's Client, ready for a request of which the first bytes came.
Client& begin_request(Connection& connection);

/// Looks at what has come of a request, and answers it where nothing has to be waited for.
/// Precondition: the buffer is not empty.
[[nodiscard]] RequestRead read_request(Connection& connection);

}  // namespace larder::wire::http1
