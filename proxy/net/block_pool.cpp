#include "net/block_pool.hpp"

#include <array>
#include <new>

namespace larder::net {
namespace {

constexpr std::size_t step_bytes = 32;
constexpr std::size_t sizes = 128;  // blocks of more than 4 KB are not kept

// Small blocks are taken for each of the streams that a client has open at once.
constexpr std::size_t kept_bytes(std::size_t block_bytes) {
    return block_bytes <= 512 ? 32 * 1024 : 14 * 1024;
}

constexpr std::size_t size_of(std::size_t bytes) { return (bytes - 1) / step_bytes; }
constexpr std::size_t bytes_of(std::size_t size) { return (size + 1) * step_bytes; }

/// A block that is kept begins with a link to the next one of its size.
struct Kept {
    Kept* next;
};

struct OfSize {
    Kept* first = nullptr;
    std::size_t room = 0;  // for so many bytes more
};

// What a thread keeps. Nothing has to be made or destroyed, so an access costs no test.
thread_local constinit std::array<OfSize, sizes> pool{};

/// Gives a thread room for blocks, and frees them at its end.
struct Keeping {
    Keeping() {
        for (std::size_t size = 0; size < sizes; ++size)
            pool[size].room = kept_bytes(bytes_of(size));
    }
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;
    ~Keeping() {
        for (OfSize& size : pool) {
            size.room = 0;
            while (size.first) {
                Kept* const next = size.first->next;
                ::operator delete(size.first);
                size.first = next;
            }
        }
    }
};

// Rare. A thread has no room before its first block comes, and after its end.
[[gnu::noinline]] bool has_room_after_all(const OfSize& kept, std::size_t bytes) {
    static thread_local const Keeping keeping;
    return kept.room >= bytes;
}

}  // namespace

void* take_block(std::size_t bytes) {
    const std::size_t size = size_of(bytes);
    if (size >= sizes) return ::operator new(bytes);
    OfSize& kept = pool[size];
    if (!kept.first) return ::operator new(bytes_of(size));
    Kept* const block = kept.first;
    kept.first = block->next;
    kept.room += bytes_of(size);
    return block;
}

void give_back_block(void* block, std::size_t bytes) noexcept {
    const std::size_t size = size_of(bytes);
    if (size >= sizes) return ::operator delete(block);
    OfSize& kept = pool[size];
    const bool has_room = kept.room >= bytes_of(size) || has_room_after_all(kept, bytes_of(size));
    if (!has_room) return ::operator delete(block);
    kept.first = new (block) Kept{kept.first};
    kept.room -= bytes_of(size);
}

}  // namespace larder::net
