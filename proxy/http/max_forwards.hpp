#pragma once
#include <cstdint>

#include "http/message.hpp"

namespace larder::http {

/// How much further an OPTIONS or TRACE may go (RFC 9110, 7.6.2). Of other methods the field says
/// nothing.
struct MaxForwards {
    enum class Kind : std::uint8_t {
        unlimited,  ///< it says nothing
        ends_here,  ///< 0: whoever received it answers it
        goes_on,    ///< to be passed on with `left`
        malformed,  ///< no number, or several
    };
    Kind kind = Kind::unlimited;
    std::uint64_t left = 0;  ///< what the next recipient is to be told
};
MaxForwards max_forwards_of(const RequestHead& request);

/// Whether the field is Max-Forwards.
bool is_max_forwards(const Field& field);

}  // namespace larder::http
