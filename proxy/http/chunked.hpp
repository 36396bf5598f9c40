#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::http {

/// Whose chunks are decoded.
enum class ChunkSender : std::uint8_t {
    client,  ///< strictly: a request that others read in another way could smuggle a second one
    origin,  ///< LF for CRLF, and blanks around a chunk's size, are taken, since only one reading
             ///< is possible
};

/// Decodes the chunked transfer coding (RFC 9112, 7.1): sizes of 1 to 16 hexadecimal digits that do
/// not overflow, CRLF line ends, bounded extensions (dropped; no control bytes, quoted or not) and
/// bounded trailers. An extension ends with CRLF whoever sends it: some recipients take an LF in it
/// for its end, others for a part of it.
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

    /// One step over the input; call again with what was not consumed until need_more, done or
    /// malformed.
    Step step(std::string_view input);

    /// The lines of the trailer section, each with its CRLF, without the blank line and without
    /// those that no trailer may be (see may_be_trailer).
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

/// The line before a chunk's data, with its CRLF.
class ChunkHead {
public:
    explicit ChunkHead(std::uint64_t size);
    /// A view into this object.
    [[nodiscard]] std::string_view text() const { return {line_.data(), size_}; }

private:
    std::array<char, 18> line_;  // 16 digits and CRLF
    std::size_t size_ = 0;
};

/// Whether a field may stand in a trailer section (RFC 9110, 6.5.1): none that frames, routes,
/// authenticates, modifies or describes the message, for a recipient that merges trailers into the
/// header would take it for the sender's own.
bool may_be_trailer(std::string_view name);

/// Whether the lines of a trailer section are field lines (token, colon, value without controls, no
/// folding).
bool valid_trailers(std::string_view lines);

}  // namespace larder::http
