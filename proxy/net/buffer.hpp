#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace larder::net {

class BufferPool;

/// Bytes read and not yet consumed, in a block lent by the worker's pool. Empty and without a block
/// while a connection idles. One thread.
class Buffer {
public:
    explicit Buffer(BufferPool& pool) : pool_(&pool) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { release(); }

    [[nodiscard]] std::string_view view() const { return {block_ + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const { return begin_ == end_; }
    [[nodiscard]] std::size_t size() const { return end_ - begin_; }
    [[nodiscard]] char* data() { return block_ + begin_; }

    void consume(std::size_t bytes) { begin_ += bytes; }
    void append_done(std::size_t bytes) { end_ += bytes; }

    /// Room to read into, at least `wanted` bytes if that is within the largest block. Takes a
    /// block where there is none. Unconsumed bytes may move, so views into them become invalid.
    struct Room {
        char* at;
        std::size_t size;
    };
    Room room(std::size_t wanted);

    /// Gives the block back; what was not consumed is lost.
    void release();

    /// Exchanges the contents of two buffers of the same pool.
    void swap(Buffer& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(capacity_, other.capacity_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
    }

private:
    BufferPool* pool_;
    char* block_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Blocks of two sizes, kept for reuse. One thread.
class BufferPool {
public:
    static constexpr std::size_t small_bytes = 16 * 1024;
    static constexpr std::size_t large_bytes = 128 * 1024;

    BufferPool() = default;
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    char* take(std::size_t bytes);
    void give_back(char* block, std::size_t bytes);

private:
    static constexpr std::size_t kept_small_max = 256;
    static constexpr std::size_t kept_large_max = 32;
    std::vector<char*> small_;
    std::vector<char*> large_;
};

}  // namespace larder::net
