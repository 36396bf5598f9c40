#pragma once
#include <cstdint>

#include "http/message.hpp"

namespace larder::http {

/// How many more recipients may forward an OPTIONS or TRACE (RFC 9110, 7.6.2). For other methods
/// the field has no meaning.
struct MaxForwards {
    enum class Kind : std::uint8_t {
        unlimited,  ///< no Max-Forwards, or another method
        ends_here,  ///< Max-Forwards is 0: larder must answer the request itself
        goes_on,    ///< forward the request with `left` as Max-Forwards
        malformed,  ///< the value is not a number, or there are several
    };
    Kind kind = Kind::unlimited;
    std::uint64_t left = 0;  ///< the Max-Forwards to send
};
MaxForwards max_forwards_of(const RequestHead& request);

bool is_max_forwards(const Field& field);

}  // namespace larder::http
