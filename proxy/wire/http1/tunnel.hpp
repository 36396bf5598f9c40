#pragma once
#include "flow/exchange.hpp"
#include "net/buffer.hpp"
#include "net/stream.hpp"

namespace larder::wire::http1 {

/// One end of a tunnel, and the bytes already read from it.
struct TunnelSide {
    net::Stream& stream;
    net::Buffer& in;
};

/// Copies both directions until both have ended (101 Switching Protocols; RFC 9110, 7.8). Counts
/// the bytes in the exchange. Both sides must outlive the call.
[[nodiscard]] net::Task<void> copy_both_ways(net::Executor executor, TunnelSide client,
                                             TunnelSide origin, flow::Exchange& exchange);

}  // namespace larder::wire::http1
