#include "net/block_pool.hpp"

#include <array>
#include <cstdint>
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
    std::size_t bytes = 0;
};

// What a thread keeps. Nothing has to be made or destroyed, so an access costs no test.
thread_local constinit std::array<OfSize, sizes> pool{};

enum class Thread : std::uint8_t { new_here, keeps, ends };
thread_local constinit Thread thread = Thread::new_here;

/// Frees what a thread keeps at its end.
struct Freeing {
    Freeing() { thread = Thread::keeps; }
    Freeing(const Freeing&) = delete;
    Freeing& operator=(const Freeing&) = delete;
    ~Freeing() {
        thread = Thread::ends;
        for (OfSize& size : pool) {
            while (size.first) {
                Kept* const next = size.first->next;
                ::operator delete(size.first);
                size.first = next;
            }
        }
    }
};

// Whether the thread keeps blocks.
bool keeps() {
    if (thread == Thread::new_here) static thread_local const Freeing freeing;
    return thread == Thread::keeps;
}

}  // namespace

void* take_block(std::size_t bytes) {
    const std::size_t size = size_of(bytes);
    if (size >= sizes) return ::operator new(bytes);
    OfSize& kept = pool[size];
    if (!kept.first) return ::operator new(bytes_of(size));
    Kept* const block = kept.first;
    kept.first = block->next;
    kept.bytes -= bytes_of(size);
    return block;
}

void give_back_block(void* block, std::size_t bytes) noexcept {
    const std::size_t size = size_of(bytes);
    if (size >= sizes || !keeps()) return ::operator delete(block);
    OfSize& kept = pool[size];
    if (kept.bytes >= kept_bytes(bytes_of(size))) return ::operator delete(block);
    kept.first = new (block) Kept{kept.first};
    kept.bytes += bytes_of(size);
}

}  // namespace larder::net
