#include "wire/http2/endpoint.hpp"

#include <boost/asio/post.hpp>

#include "flow/answer_request.hpp"
#include "flow/finish_request.hpp"
#include "net/detached.hpp"
#include "wire/answer.hpp"
#include "wire/connection_list.hpp"
#include "wire/http2/stream_client.hpp"

namespace larder::wire::http2 {
namespace {

constexpr int reads_in_a_row = 8;

SessionLimits session_limits(const settings::Limits& limits) {
    SessionLimits out;
    out.streams = static_cast<std::uint32_t>(limits.http2_streams);
    out.head_bytes = limits.header_bytes + limits.uri_bytes;
    return out;
}

http::HeadResult refused(RequestText::Verdict verdict) {
    if (verdict == RequestText::Verdict::target_too_long)
        return {http::HeadStatus::target_too_long, 0, "the request target is too long"};
    return {http::HeadStatus::too_large, 0, "the header is too large"};
}

// The body's framing follows from the stream's flags: without Content-Length the end shows when it
// comes, as with chunks.
void set_framing(const Stream& stream, http::RequestHead& request) {
    const bool has_length = request.fields.has(http::FieldId::content_length);
    if (stream.receives && !has_length) request.framing = http::Framing::chunked;
    const http::Field* expect = request.fields.first(http::FieldId::expect);
    request.expects_continue =
        expect && iequals(expect->value, "100-continue") && request.framing != http::Framing::none;
}

}  // namespace

// Ends the work on a request when its coroutine ends, also after an exception.
class Endpoint::Work {
public:
    Work(Endpoint& endpoint, std::unique_ptr<StreamClient> client)
        : endpoint_(endpoint), client_(std::move(client)) {}
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() { endpoint_.end_work(std::move(client_)); }
    [[nodiscard]] StreamClient& client() const { return *client_; }

private:
    Endpoint& endpoint_;
    std::unique_ptr<StreamClient> client_;
};

Endpoint::Endpoint(Connection& connection)
    : connection_(connection),
      session_(session_limits(connection.services().config->settings.limits), *this),
      output_(connection.services().buffers,
              connection.stream.is_tls() ? Output::Bodies::copied : Output::Bodies::referred),
      stall_(connection.services().wheel, &Endpoint::on_stall, this),
      drain_due_(connection.services().wheel, &Endpoint::on_drain_due, this),
      streams_max_(connection.services().config->settings.limits.http2_streams) {}

Endpoint::~Endpoint() = default;

void Endpoint::start() {
    const settings::Limits& limits = connection_.services().config->settings.limits;
    connection_.stream.expect_more();
    connection_.stream.expire_at(steady_now() + limits.header_timeout);
    const StepGuard step(*this);
    if (connection_.services().draining) begin_drain();
    take_input();
    start_waiting();
    read();
}

// ---- input

void Endpoint::on_readable(void* self) { static_cast<Endpoint*>(self)->read(); }

void Endpoint::take_input() {
    net::Buffer& in = connection_.in;
    if (in.empty()) return;
    taking_input_ = true;
    session_.receive(in.view(), steady_now());
    taking_input_ = false;
    in.consume(in.size());
}

void Endpoint::read() {
    const StepGuard step(*this);
    if (phase_ != Phase::open) return;
    net::Stream& stream = connection_.stream;
    for (int i = 0; i < reads_in_a_row && phase_ == Phase::open && !session_.ended(); ++i) {
        const net::Buffer::Room room = connection_.in.room(net::BufferPool::small_bytes);
        const net::IoResult got = stream.try_read(room.at, room.size);
        if (got.kind == net::IoResult::Kind::done) {
            connection_.in.append_done(got.bytes);
            take_input();
            start_waiting();
            flush();  // a write also tells that no reset came behind the bytes that were read
            if (stream.known_empty() && !stream.has_pending()) break;
            continue;
        }
        if (got.kind == net::IoResult::Kind::would_block) break;
        if (got.kind == net::IoResult::Kind::ended) {
            phase_ = Phase::finishing;
        } else if (stream.timed_out() && !writing_) {
            time_out();
        } else {
            lose();
        }
    }
    connection_.in.release();
    flush();
}

// Nothing came for too long: a preface, the rest of a head, or another request.
void Endpoint::time_out() {
    connection_.stream.clear_timeout();
    const bool is_idle = session_.greeted() && !session_.reads_head();
    session_.go_away(is_idle ? ErrorCode::no_error : ErrorCode::enhance_your_calm);
}

void Endpoint::wait_for_input() {
    net::Stream& stream = connection_.stream;
    if (stream.known_empty() && !stream.has_pending()) {
        stream.when_readable(&Endpoint::on_readable, this);
        return;
    }
    if (posted_) return;
    // More bytes may be there already, but other connections come first.
    posted_ = true;
    boost::asio::post(connection_.services().executor(), [this] {
        posted_ = false;
        read();
    });
}

// ---- requests

void Endpoint::request_came(Stream& stream, RequestText::Verdict verdict, RequestText& text) {
    flow::Services& services = connection_.services();
    connection_.idle = false;
    // A client that resets its streams must not get more done at once than others.
    if (working_ + waiting_.size() >= streams_max_) {
        session_.reset(stream, ErrorCode::refused_stream);
        return;
    }
    services.follow_reload();
    try {
        take_request(stream, verdict, text);
    } catch (...) {  // must not pass through nghttp2
        net::note_failure(services.context, "answering a client", std::current_exception());
        stream.client = nullptr;  // destroyed
        release(stream);
        session_.reset(stream, ErrorCode::internal_error);
    }
}

void Endpoint::take_request(Stream& stream, RequestText::Verdict verdict, RequestText& text) {
    flow::Services& services = connection_.services();
    std::unique_ptr<StreamClient> client = connection_.list.http2_clients.take(services);
    if (client->config != services.config) client->config = services.config;
    client->peer = connection_.peer;
    client->attach(*this, stream);
    stream.client = client.get();
    http::HeadResult parsed;
    flow::Exchange& exchange = client->exchange();
    if (verdict == RequestText::Verdict::complete) {
        text.swap_text(client->head_text);
        parsed = http::parse_request_head(client->head_text, head_limits(client->settings().limits),
                                          exchange.storage, exchange.request);
    } else {
        exchange.request = {};
        parsed = refused(verdict);
    }
    if (parsed.status == http::HeadStatus::complete) {
        exchange.request.major_version = 2;
        set_framing(stream, exchange.request);
        complete_head(connection_, *client, parsed.consumed);
        if (flow::answer_at_once(*client)) {
            flow::finish_request(*client);
            stream.client = nullptr;
            connection_.list.http2_clients.give_back(std::move(client));
            return;
        }
    }
    waiting_.push_back({std::move(client), parsed});
}

// Begins to work on the requests that could not be answered at once.
void Endpoint::start_waiting() {
    std::vector<Waiting> waiting;
    waiting.swap(waiting_);
    for (Waiting& next : waiting) {
        ++working_;
        net::start_detached(connection_.services().executor(),
                            work_on(*this, std::move(next.client), next.parsed),
                            "answering a client");
    }
}

net::Task<void> Endpoint::work_on(Endpoint& endpoint, std::unique_ptr<StreamClient> client,
                                  http::HeadResult parsed) {
    const Work work(endpoint, std::move(client));
    StreamClient& own = work.client();
    if (!own.stream()) co_return;  // reset in the meantime
    if (parsed.status == http::HeadStatus::complete) {
        co_await answer(own);
    } else {
        co_await refuse(own, parsed);
    }
    flow::finish_request(own);
}

void Endpoint::end_work(std::unique_ptr<StreamClient> client) {
    const StepGuard step(*this);
    --working_;
    if (Stream* stream = client->stream()) {
        const bool complete = stream->is_response_complete() && !stream->is_stuck();
        stream->client = nullptr;
        stream->body = {};
        if (!complete) session_.reset(*stream, ErrorCode::internal_error);
    }
    connection_.list.http2_clients.give_back(std::move(client));
    flush();
}

void Endpoint::body_came(Stream& stream, std::string_view data) {
    if (stream.client) {
        stream.client->body_came(data);
    } else {
        session_.consumed(stream, data.size());
    }
}

void Endpoint::body_ended(Stream& stream, std::string_view trailers) {
    if (stream.client) stream.client->body_ended(trailers);
}

void Endpoint::body_used(Stream& stream, std::size_t bytes) {
    session_.consumed(stream, bytes);
    flush();
}

void Endpoint::body_taken(Stream& stream) {
    if (stream.client) stream.client->body_taken();
}

void Endpoint::stream_closed(Stream& stream, bool complete) {
    if (stream.client) stream.client->stream_closed(complete);
}

void Endpoint::drop(Stream& stream, ErrorCode code) {
    release(stream);
    session_.reset(stream, code);
    flush();
}

// Nothing more is sent on the stream: the memory that its body is in may go.
void Endpoint::release(Stream& stream) {
    if (stream.client) stream.client->stream_closed(false);
    stream.client = nullptr;
    stream.body = {};
    stream.entry.reset();
}

std::uint64_t Endpoint::bytes_unacknowledged(const Stream& stream) const {
    if (session_.is_window_closed(stream)) return 0;
    return connection_.stream.bytes_unacknowledged();
}

// ---- output

void Endpoint::flush() {
    if (taking_input_ || writing_ || phase_ == Phase::lost || phase_ == Phase::lingering) return;
    while (true) {
        session_.produce(output_, steady_now());
        if (output_.empty()) break;
        const std::span<iovec> pieces = output_.pieces();
        const net::IoResult result = connection_.stream.try_write(pieces.data(), pieces.size());
        if (result.kind == net::IoResult::Kind::done) {
            output_.sent(result.bytes);
        } else if (result.kind == net::IoResult::Kind::would_block) {
            writing_ = true;
            net::start_detached(connection_.services().executor(), write_rest(*this),
                                "writing to a client");
            return;
        } else {
            lose();
            return;
        }
    }
    output_.recycle();
}

net::Task<void> Endpoint::write_rest(Endpoint& endpoint) {
    const Milliseconds stall = endpoint.connection_.services().config->settings.limits.body_timeout;
    bool sent = true;
    while (sent && !endpoint.output_.empty()) {
        const std::span<iovec> pieces = endpoint.output_.pieces();
        sent = co_await endpoint.connection_.stream.write_all(pieces, stall);
        endpoint.output_.recycle();
        if (sent) endpoint.session_.produce(endpoint.output_, steady_now());
    }
    const StepGuard step(endpoint);
    endpoint.writing_ = false;
    if (!sent) endpoint.lose();
}

void Endpoint::lose() {
    phase_ = Phase::lost;
    session_.abandon();
    connection_.stream.close();
}

}  // namespace larder::wire::http2
