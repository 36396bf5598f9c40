#include "fuzz/fuzz.hpp"
#include "http/head_parser.hpp"
#include "wire/http2/session.hpp"

namespace larder::fuzz {
namespace {

using namespace wire::http2;

constexpr SessionLimits limits{8, 2048};

/// Answers what comes, and checks what it is told.
struct Owner final : SessionEvents {
    void request_came(Stream& stream, RequestText::Verdict verdict, RequestText& text) override {
        require(session->streams().size() <= limits.streams + 1, "the count of streams is bounded");
        if (verdict == RequestText::Verdict::complete) check_head(text);
        stream.body = "0123456789";
        stream.body_ends = stream.id % 3 != 0;
        if (stream.id % 5 == 0) stream.trailers = "X-Sum: 1\r\n";
        session->send_interim(stream, "HTTP/1.1 103 Early Hints\r\n");
        session->send_head(stream, "HTTP/1.1 200 OK\r\nA: b\r\n", "C: d\r\n",
                           stream.id % 7 == 0 ? Session::HasBody::no : Session::HasBody::yes);
    }
    static void check_head(RequestText& request) {
        std::string text;
        request.swap_text(text);
        http::HeadStorage storage;
        http::RequestHead head;
        const http::HeadResult parsed =
            http::parse_request_head(text, http::HeadLimits{}, storage, head);
        require(parsed.status != http::HeadStatus::need_more, "a head is complete");
        if (parsed.status == http::HeadStatus::complete)
            require(parsed.consumed == text.size(), "nothing follows a head");
    }
    void body_came(Stream& stream, std::string_view data) override {
        if (stream.id % 2 == 1) session->consumed(stream, data.size());
    }
    void body_ended(Stream& stream, std::string_view) override {
        require(!stream.receives, "a body ends once");
    }
    void body_taken(Stream& stream) override {
        stream.body_ends = true;
        stream.body = {};
    }
    void stream_closed(Stream&, bool) override {}
    void end_acknowledged() override { session->refuse_new_streams(); }

    Session* session = nullptr;
};

void take_output(Session& session, net::BufferPool& pool, SteadyTime now) {
    while (true) {
        Output output(pool, Output::Bodies::copied);
        session.produce(output, now);
        if (output.empty()) return;
        for (Stream& stream : session.streams()) session.resume(stream);
    }
}

}  // namespace

// A client's bytes in any pieces. The first byte says whether preface and SETTINGS come before
// them.
void http2_session(std::string_view input) {
    const unsigned how = take_byte(input);
    Owner owner;
    Session session(limits, owner);
    owner.session = &session;
    net::BufferPool pool;
    SteadyTime now{std::chrono::seconds(1000)};
    if (how % 2 == 1) {
        session.receive(FrameScan::preface, now);
        session.receive(std::string_view("\0\0\0\x04\0\0\0\0\0", 9), now);
    }
    if (how % 4 >= 2) session.announce_end();
    for (const std::string_view piece : cut(input, how)) {
        if (session.ended()) break;
        session.receive(piece, now);
        take_output(session, pool, now);
        now += std::chrono::milliseconds(1);
    }
    session.abandon();
    require(session.streams().empty(), "no stream outlives its session");
}

}  // namespace larder::fuzz
