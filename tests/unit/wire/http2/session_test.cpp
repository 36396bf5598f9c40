#include "wire/http2/session.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "unit/support/http2_peer.hpp"

namespace larder::wire::http2 {
namespace {

using namespace std::chrono_literals;
using test::FieldPairs;

constexpr SteadyTime start{1000s};

/// Answers each request as a test wants, and notes what it was told.
struct Owner final : SessionEvents {
    void request_came(Stream& stream, RequestText::Verdict verdict, RequestText& text) override {
        last = &stream;
        verdicts.push_back(verdict);
        requests.emplace_back();
        if (verdict == RequestText::Verdict::complete) text.swap_text(requests.back());
        if (answers) answer(stream, body);
    }
    void body_came(Stream& stream, std::string_view data) override {
        received += data;
        if (uses_bodies) session->consumed(stream, data.size());
    }
    void body_ended(Stream&, std::string_view trailers_in) override {
        ++bodies_ended;
        trailers = trailers_in;
    }
    void body_taken(Stream&) override { ++bodies_taken; }
    void stream_closed(Stream& stream, bool complete) override {
        (complete ? completed : broken) += 1;
        if (last == &stream) last = nullptr;
    }
    void end_acknowledged() override { ++acknowledged; }

    void answer(Stream& stream, std::string_view with) const {
        stream.body = with;
        stream.body_ends = true;
        session->send_head(stream, "HTTP/1.1 200 OK\r\nX-Own:  yes \r\n", "X-More: 1\r\n",
                           with.empty() ? Session::HasBody::no : Session::HasBody::yes);
    }

    Session* session = nullptr;
    bool answers = true;
    bool uses_bodies = true;
    std::string body = "body";
    Stream* last = nullptr;
    std::vector<RequestText::Verdict> verdicts;
    std::vector<std::string> requests;
    std::string received;
    std::string trailers;
    int bodies_ended = 0;
    int bodies_taken = 0;
    int completed = 0;
    int broken = 0;
    int acknowledged = 0;
};

struct Pair {
    Pair() { owner.session = &session; }

    void to_larder(std::string_view bytes, SteadyTime now = start) { session.receive(bytes, now); }
    // All that larder has to say now.
    std::string from_larder() {
        std::string all;
        while (true) {
            Output output(pool, Output::Bodies::copied);
            session.produce(output, start);
            if (output.empty()) return all;
            for (const iovec& piece : output.pieces())
                all.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        }
    }
    void exchange() {
        for (int i = 0; i < 20; ++i) {
            to_larder(client.take());
            client.receive(from_larder());
        }
    }

    net::BufferPool pool;
    Owner owner;
    Session session{SessionLimits{}, owner};
    test::Http2Peer client;
};

FieldPairs get(const FieldPairs& more = {}) {
    FieldPairs fields{
        {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/x"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

}  // namespace

TEST_CASE("a request becomes a head of HTTP/1.1, and a response of HTTP/1.1 becomes frames") {
    Pair pair;
    const std::int32_t id = pair.client.request(get({{"x-own", "1"}}));
    pair.exchange();
    CHECK(pair.owner.requests.at(0) == "GET /x HTTP/1.1\r\nhost: a\r\nx-own: 1\r\n\r\n");
    const auto& response = pair.client.responses[id];
    CHECK(response.status == "200");
    CHECK(response.fields == FieldPairs{{"x-own", "yes"}, {"x-more", "1"}});
    CHECK(response.body == "body");
    CHECK(response.closed);
    CHECK(pair.owner.completed == 1);
    CHECK(pair.session.streams().empty());
}

TEST_CASE("a request may come byte by byte") {
    Pair pair;
    const std::int32_t id = pair.client.request(get());
    for (const char byte : pair.client.take()) pair.to_larder({&byte, 1});
    pair.exchange();
    CHECK(pair.client.responses[id].body == "body");
}

TEST_CASE("a body opens its window only as it is used") {
    Pair pair;
    pair.owner.answers = false;
    pair.owner.uses_bodies = false;
    const std::string body(200000, 'b');
    const std::int32_t id = pair.client.request(
        {{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/x"}}, &body);
    pair.exchange();
    CHECK(pair.owner.received.size() == 65535);
    pair.session.consumed(*pair.owner.last, 65535);
    pair.owner.uses_bodies = true;
    pair.exchange();
    CHECK(pair.owner.received == body);
    CHECK(pair.owner.bodies_ended == 1);
    pair.owner.answer(*pair.owner.last, "done");
    pair.exchange();
    CHECK(pair.client.responses[id].body == "done");
}

TEST_CASE("a body that is not used stops no other") {
    Pair pair;
    pair.owner.answers = false;
    pair.owner.uses_bodies = false;
    const std::string body(200000, 'b');
    for (int i = 0; i < 40; ++i) {
        pair.client.request(get(), &body);
        pair.exchange();
    }
    CHECK(pair.owner.received.size() == 40 * 65535);
}

TEST_CASE("a response ends a request that is still coming") {
    Pair pair;
    const std::string body(200000, 'b');
    const std::int32_t id = pair.client.request(get(), &body);
    pair.exchange();
    CHECK(pair.client.responses[id].body == "body");
    CHECK(pair.client.responses[id].closed);
    CHECK(pair.client.responses[id].code == NGHTTP2_NO_ERROR);
    CHECK(pair.session.streams().empty());
}

TEST_CASE("malformed requests end their stream, and are not told of") {
    for (const FieldPairs& fields :
         {get({{"connection", "close"}}), get({{"te", "gzip"}}), get({{"a b", "1"}}),
          get({{"a", "1\r\nb: 2"}}), get({{"host", "b"}}), get({{":path", "/y"}}),
          get({{"content-length", "5"}}), FieldPairs{{":method", "GET"}, {":path", "/x"}}}) {
        Pair pair;
        const std::int32_t id = pair.client.request(fields);
        pair.exchange();
        CHECK(pair.owner.requests.empty());
        CHECK(pair.client.responses[id].code == NGHTTP2_PROTOCOL_ERROR);
        CHECK(pair.client.go_aways.empty());
        CHECK(pair.session.streams().empty());
    }
}

TEST_CASE("rapid resets end in GOAWAY") {
    Pair pair;
    pair.owner.answers = false;
    int requests = 0;
    while (!pair.session.ended() && requests < 1000) {
        const std::int32_t id = pair.client.request(get());
        ++requests;
        pair.to_larder(pair.client.take());
        pair.client.reset(id);
        pair.exchange();
    }
    CHECK(pair.client.go_aways == std::vector<std::uint32_t>{NGHTTP2_ENHANCE_YOUR_CALM});
    CHECK(requests == 257);
}

TEST_CASE("resets that the client provokes end in GOAWAY") {
    Pair pair;
    int requests = 0;
    while (!pair.session.ended() && requests < 1000) {
        pair.client.request(get({{"connection", "close"}}));
        ++requests;
        pair.exchange();
    }
    CHECK(pair.client.go_aways == std::vector<std::uint32_t>{NGHTTP2_ENHANCE_YOUR_CALM});
    CHECK(requests == 257);
}

TEST_CASE("requests that are answered are not limited") {
    Pair pair;
    for (int i = 0; i < 3000; ++i) {
        pair.client.request(get());
        pair.to_larder(pair.client.take());
        pair.client.receive(pair.from_larder());
    }
    CHECK(pair.owner.completed == 3000);
    CHECK(!pair.session.ended());
}

TEST_CASE("a session that ends answers what is open") {
    Pair pair;
    pair.owner.answers = false;
    const std::int32_t id = pair.client.request(get());
    pair.exchange();
    pair.session.announce_end();
    pair.exchange();
    CHECK(pair.owner.acknowledged == 1);
    pair.session.refuse_new_streams();
    pair.exchange();
    CHECK(!pair.session.ended());
    pair.owner.answer(*pair.owner.last, "late");
    pair.exchange();
    CHECK(pair.client.responses[id].body == "late");
    CHECK(pair.session.ended());
}

TEST_CASE("a head under way is seen") {
    Pair pair;
    pair.exchange();
    CHECK(pair.session.greeted());
    CHECK(!pair.session.reads_head());
    pair.client.request(get());
    const std::string bytes = pair.client.take();
    pair.to_larder(std::string_view(bytes).substr(0, bytes.size() - 1));
    CHECK(pair.session.reads_head());
    pair.to_larder(std::string_view(bytes).substr(bytes.size() - 1));
    CHECK(!pair.session.reads_head());
}

TEST_CASE("an interim response comes before the final one") {
    Pair pair;
    pair.owner.answers = false;
    const std::int32_t id = pair.client.request(get());
    pair.exchange();
    pair.session.send_interim(*pair.owner.last, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n");
    pair.exchange();
    CHECK(pair.client.responses[id].status == "103");
    pair.owner.answer(*pair.owner.last, "");
    pair.exchange();
    CHECK(pair.client.responses[id].status == "200");
}

}  // namespace larder::wire::http2
