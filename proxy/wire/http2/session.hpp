#pragma once
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http2/abuse_budget.hpp"
#include "wire/http2/frame_scan.hpp"
#include "wire/http2/output.hpp"
#include "wire/http2/request_text.hpp"
#include "wire/http2/stream.hpp"

namespace larder::wire::http2 {

/// What a client may do. SETTINGS tell the client.
struct SessionLimits {
    std::uint32_t streams = 128;         ///< open at once
    std::size_t head_bytes = 48 * 1024;  ///< of a request, as text
};

/// What a session tells its owner. The functions must not call `receive` and `produce`; they may
/// call everything else of the session.
class SessionEvents {
public:
    /// A well-formed head came: with `complete`, `text` holds it in the form of HTTP/1.1.
    virtual void request_came(Stream& stream, RequestText::Verdict verdict, RequestText& text) = 0;
    virtual void body_came(Stream& stream, std::string_view data) = 0;
    /// The client has ended the body that request_came did not end.
    virtual void body_ended(Stream& stream, std::string_view trailers) = 0;
    /// The session has taken all of `stream.body`.
    virtual void body_taken(Stream& stream) = 0;
    /// The stream will be destroyed. `complete`: the whole response was sent.
    virtual void stream_closed(Stream& stream, bool complete) = 0;
    /// The client answered the PING of announce_end().
    virtual void end_acknowledged() = 0;

protected:
    ~SessionEvents() = default;
};

/// The server's side of one HTTP/2 connection (RFC 9113) without its I/O: takes the client's bytes
/// and the responses, and gives events and bytes for the client. nghttp2 does frames, HPACK, flow
/// control and the order by priorities (RFC 9218). This class adds what keeps a client from doing
/// harm. One thread.
class Session {
public:
    Session(const SessionLimits& limits, SessionEvents& events);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Takes bytes of the client.
    void receive(std::string_view bytes, SteadyTime now);
    /// Adds frames for the client until the output is full.
    void produce(Output& output, SteadyTime now);
    /// Neither reads nor writes any more, once everything produced is written.
    [[nodiscard]] bool ended() const;

    /// Whether the client's first SETTINGS came: its preface is complete.
    [[nodiscard]] bool greeted() const { return greeted_; }
    /// Whether a part of a head came, but not its end.
    [[nodiscard]] bool reads_head() const {
        return head_is_open_ || (in_head_frame_ && scan_.in_frame());
    }
    /// How many heads have begun, of requests and of trailers.
    [[nodiscard]] std::uint64_t heads() const { return heads_; }
    [[nodiscard]] StreamList& streams() { return streams_; }

    // ---- responses
    /// An interim response: `lines` has a status line.
    void send_interim(Stream& stream, std::string_view lines);
    /// The head of the final response, in two parts. Its body is what `stream.body` holds then, and
    /// what follows; `HasBody::no` ends the stream.
    enum class HasBody : std::uint8_t { no, yes };
    void send_head(Stream& stream, std::string_view lines, std::string_view more_lines,
                   HasBody has_body);
    /// `stream.body`, `body_ends` or `trailers` have changed.
    void resume(Stream& stream);
    void reset(Stream& stream, ErrorCode code);

    /// The owner has used these bytes of the request's body: the client may send as many more.
    void consumed(Stream& stream, std::size_t bytes);
    /// Whether the client's windows allow no byte for this stream.
    [[nodiscard]] bool is_window_closed(const Stream& stream) const;

    // ---- the end of the connection
    /// Tells the client to open no more streams, and to acknowledge that (RFC 9113, 6.8).
    void announce_end();
    /// Refuses new streams. The open ones go on.
    void refuse_new_streams();
    /// Ends the connection with GOAWAY. All streams end.
    void go_away(ErrorCode code);
    /// The connection is lost: closes all streams.
    void abandon();

    /// Frees what an idle connection does not need.
    void release_memory();

private:
    friend struct SessionCallbacks;

    void take(std::string_view bytes);
    void scan(std::string_view bytes);
    void count(const FrameHead& frame);
    void close(Stream& stream, bool complete);

    nghttp2_session* session_ = nullptr;
    SessionLimits limits_;
    SessionEvents& events_;
    StreamList streams_;
    RequestText request_;
    std::string trailers_;
    std::vector<nghttp2_nv> list_;
    FrameScan scan_;
    AbuseBudget budget_;
    Output* output_ = nullptr;  // during produce
    SteadyTime now_{};          // of the last receive or produce
    std::uint64_t heads_ = 0;
    bool greeted_ = false;
    bool head_is_open_ = false;   // CONTINUATION must follow
    bool in_head_frame_ = false;  // the last frame was HEADERS or CONTINUATION
    bool is_abusive_ = false;
    bool has_failed_ = false;
};

}  // namespace larder::wire::http2
