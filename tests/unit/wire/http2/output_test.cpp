#include "wire/http2/output.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder::wire::http2 {
namespace {

std::string text_of(Output& output) {
    std::string text;
    for (const iovec& piece : output.pieces())
        text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    return text;
}

cache::Stored entry_of(std::size_t size) {
    cache::Draft draft;
    draft.body = std::string(size, 'b');
    return cache::make_stored(draft);
}

}  // namespace

TEST_CASE("output keeps its order, whether bytes are copied or referred to") {
    for (const Output::Bodies bodies : {Output::Bodies::copied, Output::Bodies::referred}) {
        net::BufferPool pool;
        Output output(pool, bodies);
        const cache::Stored entry = entry_of(5000);
        output.add("head1");
        output.add(entry->body().substr(0, 10), entry);
        output.add("head2");
        output.add(entry->body(), entry);
        output.add("head3");
        const std::string wanted =
            "head1" + std::string(10, 'b') + "head2" + std::string(5000, 'b') + "head3";
        CHECK(text_of(output) == wanted);
        CHECK(output.pieces().size() == (bodies == Output::Bodies::copied ? 1 : 3));
        for (std::size_t left = wanted.size(); left > 0;) {
            const std::size_t part = std::min<std::size_t>(left, 777);
            output.sent(part);
            left -= part;
            CHECK(text_of(output) == wanted.substr(wanted.size() - left));
        }
        CHECK(output.empty());
    }
}

TEST_CASE("a body is kept while a part of it is to be sent") {
    net::BufferPool pool;
    Output output(pool, Output::Bodies::referred);
    cache::Stored entry = entry_of(5000);
    output.add(entry->body(), entry);
    entry.reset();
    output.sent(4999);
    CHECK(text_of(output) == "b");
}

TEST_CASE("output is full before it is large") {
    net::BufferPool pool;
    Output output(pool, Output::Bodies::referred);
    const std::string frame(16384 + 9, 'f');
    std::size_t added = 0;
    while (!output.full()) {
        output.add(frame);
        added += frame.size();
    }
    CHECK(added <= net::BufferPool::large_bytes);
    CHECK(text_of(output).size() == added);
}

}  // namespace larder::wire::http2
