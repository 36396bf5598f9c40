#pragma once
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cache/stored_response.hpp"
#include "net/block_pool.hpp"

namespace larder::wire::http2 {

class StreamClient;

/// How a stream or a connection ends (RFC 9113, 7): the codes that larder sends itself.
enum class ErrorCode : std::uint32_t {
    no_error = 0x0,
    protocol_error = 0x1,
    internal_error = 0x2,
    refused_stream = 0x7,
    cancel = 0x8,
    enhance_your_calm = 0xb,
};

/// One stream of a session, and what of its response's body is still to be sent. The session owns
/// it from the first frame of the request until the stream is closed.
struct Stream : boost::intrusive::list_base_hook<> {
    static void* operator new(std::size_t bytes) { return net::take_block(bytes); }
    static void operator delete(void* stream, std::size_t bytes) {
        net::give_back_block(stream, bytes);
    }

    std::int32_t id = 0;
    bool receives = true;            ///< the client has not ended its side
    bool responded = false;          ///< the head of the final response was given to the session
    bool body_ends = false;          ///< nothing follows `body`
    bool is_deferred = false;        ///< nghttp2 waits for Session::resume
    std::string_view body;           ///< not sent yet; the owner keeps it valid
    cache::Stored entry;             ///< the owner of `body`; null: the client is
    std::string trailers;            ///< field lines with CRLF each, sent after the body
    SteadyTime progressed_at{};      ///< when a part of the body was sent last
    StreamClient* client = nullptr;  ///< whose coroutine works on the request; null: nobody's

    /// Whether nothing can follow that the session does not have yet.
    [[nodiscard]] bool is_response_complete() const { return responded && body_ends; }
    /// Whether the client's window, or the connection, keeps the session from sending.
    [[nodiscard]] bool is_stuck() const { return !body.empty(); }
};

using StreamList = boost::intrusive::list<Stream>;

}  // namespace larder::wire::http2
