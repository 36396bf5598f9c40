#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::http {

/// The sender of the chunks decides how strictly they are read.
enum class ChunkSender : std::uint8_t {
    client,  ///< strictly: a body that peers read in different ways could smuggle a second request
    origin,  ///< leniently: LF instead of CRLF, and blanks around a chunk's size, are unambiguous
};

/// Decodes the chunked transfer coding (RFC 9112, 7.1): sizes of 1 to 16 hexadecimal digits that do
/// not overflow, CRLF line ends, bounded extensions (dropped; no control bytes, quoted or not) and
/// bounded trailers. An extension must end with CRLF, also from an origin: some recipients end it
/// at an LF, others take the LF as a part of it.
class ChunkedDecoder {
public:
    explicit ChunkedDecoder(ChunkSender sender = ChunkSender::client)
        : lenient_(sender == ChunkSender::origin) {}

    enum class Status : std::uint8_t {
        need_more,  ///< everything was consumed
        data,       ///< `data` is a piece of the body
        done,       ///< the last chunk and the trailers have ended
        malformed,
    };

    struct Step {
        Status status = Status::need_more;
        std::size_t consumed = 0;
        std::string_view data;  ///< a view into the input
    };

    /// Decodes one step. Call again with the bytes not yet consumed, until the status is need_more,
    /// done or malformed.
    Step step(std::string_view input);

    /// The lines of the trailer section, each with its CRLF. The blank line and forbidden fields
    /// (see may_be_trailer) are left out.
    [[nodiscard]] const std::string& trailers() const { return trailers_; }

private:
    enum class State : std::uint8_t {
        size,
        size_blank,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer,
        done
    };

    Step fail() const { return {Status::malformed, 0, {}}; }
    Step go_on(std::string_view input, std::size_t consumed);
    Step read_size(std::string_view input);
    State after_digits(char c);
    Step read_trailer(std::string_view input);

    static constexpr std::size_t blanks_max = 64;               // around one size
    static constexpr std::size_t extension_bytes_max = 256;     // of one chunk
    static constexpr std::size_t extensions_bytes_max = 16384;  // of the whole body
    static constexpr std::size_t trailer_bytes_max = 8192;

    bool lenient_;
    State state_ = State::size;
    std::uint64_t left_ = 0;
    int digits_ = 0;
    std::size_t blanks_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t extensions_bytes_ = 0;
    bool saw_cr_ = false;
    std::string trailers_;
};

/// The line with the size before a chunk's data, with its CRLF.
class ChunkHead {
public:
    explicit ChunkHead(std::uint64_t size);
    /// A view into this object.
    [[nodiscard]] std::string_view text() const { return {line_.data(), size_}; }

private:
    std::array<char, 18> line_;  // 16 digits and CRLF
    std::size_t size_ = 0;
};

/// Whether a field may be in a trailer section (RFC 9110, 6.5.1). Fields for framing, routing,
/// authentication, request modifiers or the content may not: some recipients merge trailers into
/// the header and would act on them.
bool may_be_trailer(std::string_view name);

/// Whether all lines of a trailer section are field lines (token, colon, value without control
/// bytes, no folding).
bool valid_trailers(std::string_view lines);

}  // namespace larder::http
