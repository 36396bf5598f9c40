#include "wire/http2/session_memory.hpp"

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

// nghttp2 is C: no memory is a null pointer there.
void* allocate(std::size_t bytes, void*) noexcept {
    if (bytes > SIZE_MAX - sizeof(Head)) return nullptr;
    try {
        return new (net::take_block(bytes + sizeof(Head))) Head{bytes + sizeof(Head)} + 1;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void release(void* memory, void*) noexcept {
    if (memory) net::give_back_block(&head_of(memory), head_of(memory).bytes);
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
