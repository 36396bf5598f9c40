#include "wire/http2/session_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "net/block_pool.hpp"

namespace larder::wire::http2 {
namespace {

// nghttp2 does not say the size of what it frees, so each block begins with its size.
struct alignas(std::max_align_t) Head {
    std::size_t bytes;  // of the block, with this head
};

Head& head_of(void* memory) { return *(static_cast<Head*>(memory) - 1); }

// Each session has a buffer for the largest frame, and writes no more than a few hundred bytes into
// it, because bodies are not copied. In pages of its own only what is written costs memory.
constexpr std::size_t pages_from = 8 * 1024;

void* take_pages(std::size_t bytes) {
    void* const pages =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return pages;
}

// nghttp2 is C: no memory is a null pointer there.
void* allocate(std::size_t bytes, void*) noexcept {
    if (bytes > SIZE_MAX - sizeof(Head)) return nullptr;
    const std::size_t whole = bytes + sizeof(Head);
    try {
        void* const block = whole < pages_from ? net::take_block(whole) : take_pages(whole);
        return new (block) Head{whole} + 1;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void release(void* memory, void*) noexcept {
    if (!memory) return;
    Head& head = head_of(memory);
    if (head.bytes < pages_from) return net::give_back_block(&head, head.bytes);
    ::munmap(&head, head.bytes);
}

void* allocate_zeros(std::size_t count, std::size_t bytes, void* user_data) noexcept {
    if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
    void* const memory = allocate(count * bytes, user_data);
    if (memory) std::memset(memory, 0, count * bytes);
    return memory;
}

void* reallocate(void* memory, std::size_t bytes, void* user_data) noexcept {
    void* const larger = allocate(bytes, user_data);
    if (!larger || !memory) return larger;
    std::memcpy(larger, memory, std::min(bytes, head_of(memory).bytes - sizeof(Head)));
    release(memory, user_data);
    return larger;
}

}  // namespace

nghttp2_mem* session_memory() {
    static nghttp2_mem memory{nullptr, &allocate, &release, &allocate_zeros, &reallocate};
    return &memory;
}

}  // namespace larder::wire::http2
