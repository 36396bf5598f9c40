#pragma once
#include <sys/uio.h>

#include <span>
#include <string_view>
#include <vector>

#include "cache/stored_response.hpp"
#include "net/buffer.hpp"

namespace larder::wire::http2 {

/// Bytes for a client, in order: frames copied into a block, and pieces of stored bodies, which are
/// only referred to. One thread.
class Output {
public:
    /// Whether pieces may be referred to. TLS copies all bytes anyway, and whole records cost less
    /// than one record for each piece.
    enum class Bodies : std::uint8_t { referred, copied };

    Output(net::BufferPool& pool, Bodies bodies) : copied_(pool), bodies_(bodies) {}

    void add(std::string_view bytes);
    /// A piece of the entry's body.
    void add(std::string_view bytes, const cache::Stored& entry);

    [[nodiscard]] bool empty() const { return size_ == 0; }
    /// Enough for one write: nothing should be added before it.
    [[nodiscard]] bool full() const {
        return copied_.size() >= copied_bytes_enough || size_ >= bytes_enough ||
               pieces_.size() >= pieces_enough;
    }

    /// What is to be written, valid until the next call of another function. The caller may change
    /// the pieces.
    [[nodiscard]] std::span<iovec> pieces();
    /// These bytes were written.
    void sent(std::size_t bytes);
    /// Forgets everything, and gives the block back.
    void recycle();
    /// The same, and frees the memory.
    void release();

private:
    static constexpr std::size_t copied_bytes_enough = 64 * 1024;
    static constexpr std::size_t bytes_enough = 256 * 1024;
    static constexpr std::size_t pieces_enough = 60;         // one call writes at most 64
    static constexpr std::size_t referred_bytes_min = 2048;  // below, a copy costs less

    // A piece without an entry is a part of copied_, whose memory may move.
    struct Piece {
        cache::Stored entry;
        const char* at;
        std::size_t size;
    };

    net::Buffer copied_;
    Bodies bodies_;
    std::vector<Piece> pieces_;
    std::vector<iovec> vectors_;
    std::size_t size_ = 0;
};

}  // namespace larder::wire::http2
