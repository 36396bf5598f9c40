#include "wire/http2/session_memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace larder::wire::http2 {
namespace {

TEST_CASE("the memory of nghttp2 keeps what is in it when it grows and shrinks") {
    const nghttp2_mem& memory = *session_memory();
    auto* bytes = static_cast<unsigned char*>(memory.malloc(10, nullptr));
    std::memset(bytes, 7, 10);
    for (const std::size_t size : {200, 20'000, 12}) {
        bytes = static_cast<unsigned char*>(memory.realloc(bytes, size, nullptr));
        CHECK(std::all_of(bytes, bytes + 10, [](unsigned char byte) { return byte == 7; }));
        CHECK(reinterpret_cast<std::uintptr_t>(bytes) % alignof(std::max_align_t) == 0);
    }
    memory.free(bytes, nullptr);
    memory.free(nullptr, nullptr);
    void* fresh = memory.realloc(nullptr, 5, nullptr);
    CHECK(fresh != nullptr);
    memory.free(fresh, nullptr);
}

TEST_CASE("memory of zeros has only zeros, also where it was used before") {
    const nghttp2_mem& memory = *session_memory();
    void* used = memory.malloc(96, nullptr);
    std::memset(used, 0xff, 96);
    memory.free(used, nullptr);
    auto* zeros = static_cast<unsigned char*>(memory.calloc(12, 8, nullptr));
    CHECK(std::all_of(zeros, zeros + 96, [](unsigned char byte) { return byte == 0; }));
    memory.free(zeros, nullptr);
}

TEST_CASE("what cannot be allocated is a null pointer") {
    const nghttp2_mem& memory = *session_memory();
    CHECK(memory.malloc(SIZE_MAX - 3, nullptr) == nullptr);
    CHECK(memory.calloc(SIZE_MAX / 2, 3, nullptr) == nullptr);
}

}  // namespace
}  // namespace larder::wire::http2
