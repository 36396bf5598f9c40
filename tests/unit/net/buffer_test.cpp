#include "net/buffer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace larder::net {
namespace {

void append(Buffer& buffer, std::string_view text) {
    const Buffer::Room room = buffer.room(text.size());
    REQUIRE(room.size >= text.size());
    std::memcpy(room.at, text.data(), text.size());
    buffer.append_done(text.size());
}

TEST_CASE("a buffer gives its bytes in order, however they are appended and consumed") {
    BufferPool pool;
    Buffer buffer(pool);
    CHECK(buffer.empty());
    append(buffer, "first ");
    append(buffer, "second");
    CHECK(buffer.view() == "first second");
    buffer.consume(6);
    CHECK(buffer.view() == "second");
    append(buffer, " third");
    CHECK(buffer.view() == "second third");
    buffer.consume(buffer.size());
    CHECK(buffer.empty());
}

TEST_CASE("a buffer that is full moves its bytes to the front, then to a large block") {
    BufferPool pool;
    Buffer buffer(pool);
    const std::string most(BufferPool::small_bytes - 4, 'a');
    append(buffer, most + "tail");
    buffer.consume(most.size());
    append(buffer, std::string(BufferPool::small_bytes - 4, 'b'));  // fits once "tail" has moved
    CHECK(buffer.view().starts_with("tailb"));
    CHECK(buffer.size() == BufferPool::small_bytes);
    buffer.consume(1);
    append(buffer, "more");  // needs the large block
    CHECK(buffer.view().starts_with("ailb"));
    CHECK(buffer.view().ends_with("bmore"));
}

TEST_CASE("a buffer is never larger than the largest block") {
    BufferPool pool;
    Buffer buffer(pool);
    append(buffer, std::string(BufferPool::large_bytes, 'a'));
    CHECK(buffer.room(1).size == 0);
    buffer.consume(10);
    CHECK(buffer.room(1).size == 10);
}

TEST_CASE("a released block is lent again") {
    BufferPool pool;
    Buffer first(pool);
    append(first, "bytes");
    const char* block = first.data();
    first.release();
    CHECK(first.empty());
    Buffer second(pool);
    append(second, "other");
    CHECK(second.data() == block);
    Buffer large(pool);
    append(large, std::string(BufferPool::small_bytes + 1, 'a'));  // of the other size
    CHECK(large.data() != block);
}

TEST_CASE("two buffers exchange what they hold") {
    BufferPool pool;
    Buffer full(pool);
    Buffer empty(pool);
    append(full, "bytes");
    full.swap(empty);
    CHECK(full.empty());
    CHECK(empty.view() == "bytes");
}

}  // namespace
}  // namespace larder::net
