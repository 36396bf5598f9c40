#include "base/text_writer.hpp"

#include <doctest/doctest.h>

namespace larder {
namespace {

TEST_CASE("a text writer appends to what is there") {
    std::string text = "GET / HTTP/1.1\r\n";
    {
        TextWriter writer(text);
        writer.add_line("Host", "a.example");
        writer.add("");
        writer.add("\r\n");
    }
    CHECK(text == "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    { const TextWriter nothing(text); }
    CHECK(text == "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST_CASE("a text writer makes room, also for a piece that is larger than what it makes at once") {
    std::string text = "x";
    std::string expected = "x";
    {
        TextWriter writer(text);
        for (const std::size_t size : {1, 3, 100, 5000, 2, 70'000, 1024, 1}) {
            const std::string piece(size, static_cast<char>('a' + size % 26));
            writer.add(piece);
            expected += piece;
        }
    }
    CHECK(text == expected);
}

TEST_CASE("a text writer in a text with much room writes no more of it than it needs") {
    std::string text;
    text.reserve(1 << 20);
    { TextWriter(text).add("a"); }
    CHECK(text == "a");
    CHECK(text.capacity() >= 1 << 20);
}

}  // namespace
}  // namespace larder
