#pragma once
#include "flow/client.hpp"

namespace larder::flow {

/// What became of the body of a request whose key needs it.
enum class KeyBody : std::uint8_t {
    whole,      ///< request.body holds it
    too_large,  ///< larger than limits.key_body; what was read is kept for passing it on
    ended,      ///< the client left, or was answered with an error: the exchange is over
};

/// Reads the body of a QUERY or POST that a read route takes, up to limits.key_body.
[[nodiscard]] net::Task<KeyBody> read_key_body(Client& client);

/// The bytes read so far of a body that was too large, in the request's framing: they are sent
/// behind the head for the origin.
[[nodiscard]] std::string_view frame_beginning(Exchange& exchange);

}  // namespace larder::flow
