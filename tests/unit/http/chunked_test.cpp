#include "http/chunked.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace larder::http {
namespace {

using Status = ChunkedDecoder::Status;

struct Decoded {
    Status end = Status::need_more;
    std::string body;
    std::string trailers;
    bool operator==(const Decoded&) const = default;
};

void feed(ChunkedDecoder& decoder, std::string_view piece, Decoded& out) {
    while (!piece.empty()) {
        const ChunkedDecoder::Step step = decoder.step(piece);
        out.body += step.data;
        out.end = step.status;
        if (step.status == Status::malformed || step.status == Status::done) return;
        piece.remove_prefix(step.consumed);
    }
}

Decoded decode(std::string_view text, ChunkSender sender) {
    ChunkedDecoder decoder(sender);
    Decoded whole;
    feed(decoder, text, whole);
    whole.trailers = decoder.trailers();
    // Byte by byte the result must be the same.
    ChunkedDecoder bytewise(sender);
    Decoded single;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (single.end == Status::malformed || single.end == Status::done) break;
        feed(bytewise, text.substr(i, 1), single);
    }
    CHECK(single.end == whole.end);
    CHECK(single.body == whole.body);
    return whole;
}

TEST_CASE("a valid chunked body is decoded alike from clients and origins") {
    for (ChunkSender sender : {ChunkSender::client, ChunkSender::origin}) {
        const Decoded plain = decode("5\r\nhello\r\n0\r\n\r\n", sender);
        CHECK(plain == Decoded{Status::done, "hello", ""});
        const Decoded more = decode("0002;a=b\r\nhe\r\n3\r\nllo\r\n00\r\nX: a\r\n\r\n", sender);
        CHECK(more == Decoded{Status::done, "hello", "X: a\r\n"});
        CHECK(decode("5\r\nhel", sender).end != Status::done);
    }
}

TEST_CASE("unambiguous deviations are accepted from an origin and refused from a client") {
    for (std::string_view text : {
             "5\nhello\r\n0\r\n\r\n",
             "5\r\nhello\n0\r\n\r\n",
             "5\r\nhello\r\n0\n\r\n",
             "5\r\nhello\r\n0\r\n\n",
             "5\nhello\n0\n\n",
             "5  \r\nhello\r\n0 \r\n\r\n",
             "5\t\r\nhello\r\n0\t\n\n",
             " 5\r\nhello\r\n 0\r\n\r\n",
             "\t5 \nhello\n0\n\n",
             "5 ;a=b\r\nhello\r\n0\r\n\r\n",
         }) {
        CAPTURE(text);
        CHECK(decode(text, ChunkSender::origin) == Decoded{Status::done, "hello", ""});
        CHECK(decode(text, ChunkSender::client).end == Status::malformed);
    }
}

TEST_CASE("an origin's trailers are passed on with CRLF") {
    for (std::string_view text :
         {"0\r\nX: a\nY: b\r\n\r\n", "0\nX: a\nY: b\n\n", "0\r\nX: a\r\nY: b\n\r\n"}) {
        CAPTURE(text);
        CHECK(decode(text, ChunkSender::origin) == Decoded{Status::done, "", "X: a\r\nY: b\r\n"});
        CHECK(decode(text, ChunkSender::client).end == Status::malformed);
    }
}

TEST_CASE("ambiguous chunks are refused from clients and origins") {
    for (ChunkSender sender : {ChunkSender::client, ChunkSender::origin}) {
        for (std::string_view text : {
                 "0x5\r\nhello\r\n0\r\n\r\n",
                 "-5\r\nhello\r\n0\r\n\r\n",
                 "+5\r\nhello\r\n0\r\n\r\n",
                 "5\rhello\r0\r\r",
                 "5\r\nhelloXX0\r\n\r\n",
                 "5\r\nhello\r\rX",
                 "5 a\r\nhello\r\n",
                 "0 5\r\nhello\r\n",
                 "5,5\r\nhello\r\n",
                 "\r\n5\r\nhello\r\n",
                 "\n5\r\nhello\r\n",
                 " \r\n",
                 "5;a=b\nhello\r\n0\r\n\r\n",
                 "5;a=\"\n\"\r\nhello\r\n",
                 "5;a\x01\r\nhello\r\n",
                 "10000000000000000\r\n",
                 "8000000000000000\r\n",
                 "00000000000000005\r\n",
                 "0\r\nX\r\n\r\n",
                 "0\r\n X: a\r\n\r\n",
                 "0\r\nX : a\r\n\r\n",
             }) {
            CAPTURE(text);
            CHECK(decode(text, sender).end == Status::malformed);
        }
        CHECK(decode(std::string(100, ' ') + "5\r\n", sender).end == Status::malformed);
    }
}

TEST_CASE("the line before a chunk is its size in hexadecimal digits") {
    CHECK(ChunkHead(1).text() == "1\r\n");
    CHECK(ChunkHead(0xbeef).text() == "beef\r\n");
    CHECK(ChunkHead(UINT64_MAX).text() == "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace larder::http
