#pragma once
#include "http/chunked.hpp"
#include "http/message.hpp"
#include "net/buffer.hpp"
#include "net/stream.hpp"

namespace larder::origin {

/// Reads a message's body piece by piece, out of the connection's buffer and then from the stream,
/// whatever its framing. Serves both directions. The stream has a deadline while a read waits, and
/// only then.
class BodyReader {
public:
    enum class Status : std::uint8_t { data, end, truncated, malformed, timed_out };
    struct Piece {
        Status status = Status::end;
        std::string_view data;  ///< valid until the next call
    };

    BodyReader(net::Stream& stream, net::Buffer& in, http::Framing framing,
               std::uint64_t content_length, Milliseconds idle, http::ChunkSender sender)
        : stream_(stream),
          in_(in),
          framing_(framing),
          left_(content_length),
          idle_(idle),
          chunks_(sender) {}

    /// Gives the next piece without waiting. False: nothing is there yet, call next().
    [[nodiscard]] bool next_buffered(Piece& piece);

    [[nodiscard]] net::Task<Piece> next();

    /// Trailer lines with CRLF, once the end was reached.
    [[nodiscard]] const std::string& trailers() const { return chunks_.trailers(); }

    [[nodiscard]] bool ended() const { return ended_; }

private:
    void drop_last();
    bool finish(Piece& piece, Status status);

    net::Stream& stream_;
    net::Buffer& in_;
    http::Framing framing_;
    std::uint64_t left_;
    Milliseconds idle_;
    std::size_t last_ = 0;  // bytes of `in_` that the piece handed out takes up
    bool ended_ = false;
    http::ChunkedDecoder chunks_;
};

}  // namespace larder::origin
