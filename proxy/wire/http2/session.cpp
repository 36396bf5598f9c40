#include "wire/http2/session.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "wire/http2/field_list.hpp"
#include "wire/http2/session_callbacks.hpp"
#include "wire/http2/session_memory.hpp"

namespace larder::wire::http2 {
namespace {

// What a connection's clients may send before larder has taken it. Large, since larder takes bytes
// of the connection at once.
constexpr std::int32_t connection_window = 1024 * 1024;
// At most some 400 frames with a body's bytes, of which AbuseBudget lets 1000 come at once.
constexpr std::size_t bytes_at_once = 4096;

const nghttp2_option* options() {
    static const nghttp2_option* const made = [] {
        nghttp2_option* to = nullptr;
        if (nghttp2_option_new(&to) != 0) throw std::bad_alloc();
        // Windows open as the bodies are used.
        nghttp2_option_set_no_auto_window_update(to, 1);
        nghttp2_option_set_no_closed_streams(to, 1);
        nghttp2_option_set_max_outbound_ack(to, 256);
        nghttp2_option_set_max_send_header_block_length(to, 1024 * 1024);
        nghttp2_option_set_builtin_recv_extension_type(to, NGHTTP2_PRIORITY_UPDATE);
        return to;
    }();
    return made;
}

}  // namespace

Session::Session(const SessionLimits& limits, SessionEvents& events)
    : limits_(limits), events_(events) {
    if (nghttp2_session_server_new3(&session_, SessionCallbacks::all(), this, options(),
                                    session_memory()) != 0)
        throw std::bad_alloc();
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                               static_cast<std::uint32_t>(limits.head_bytes)},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window);
}

Session::~Session() {
    nghttp2_session_del(session_);
    streams_.clear_and_dispose([](Stream* stream) { delete stream; });
}

void Session::scan(std::string_view bytes) {
    scan_.feed(bytes, [this](const FrameHead& frame) { count(frame); });
}

// Judges a frame by its head, before nghttp2 gets it.
void Session::count(const FrameHead& frame) {
    bool fine = budget_.spend_frame(now_);
    if (frame.type == FrameType::headers) {
        ++heads_;
        budget_.begin_head();
    }
    if (frame.type == FrameType::continuation) fine = budget_.spend_continuation() && fine;
    in_head_frame_ = frame.type == FrameType::headers || frame.type == FrameType::continuation;
    if (in_head_frame_) head_is_open_ = !frame.has(FrameHead::end_headers);
    if (!fine) is_abusive_ = true;
}

void Session::receive(std::string_view bytes, SteadyTime now) {
    now_ = now;
    // In parts, so that the frames of a part earn what those of the next one cost.
    while (!has_failed_ && !is_abusive_ && !bytes.empty()) {
        take(bytes.substr(0, bytes_at_once));
        bytes.remove_prefix(std::min(bytes.size(), bytes_at_once));
    }
}

void Session::take(std::string_view bytes) {
    scan(bytes);
    if (!is_abusive_) {
        const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
        const ssize_t taken = nghttp2_session_mem_recv(session_, at, bytes.size());
        if (taken < 0 && !is_abusive_) {
            has_failed_ = true;
            const bool floods = taken == NGHTTP2_ERR_FLOODED;
            go_away(floods ? ErrorCode::enhance_your_calm : ErrorCode::protocol_error);
        }
    }
    if (is_abusive_) go_away(ErrorCode::enhance_your_calm);
}

void Session::produce(Output& output, SteadyTime now) {
    now_ = now;
    output_ = &output;
    while (!output.full()) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
        if (size < 0) has_failed_ = true;
        if (size <= 0) break;
        output.add({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
    output_ = nullptr;
    if (is_abusive_ && !has_failed_) go_away(ErrorCode::enhance_your_calm);
}

bool Session::ended() const {
    if (has_failed_) return nghttp2_session_want_write(session_) == 0;
    return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void Session::send_interim(Stream& stream, std::string_view lines) {
    list_.clear();
    append_head(lines, list_);
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, list_.data(),
                           list_.size(), nullptr);
}

void Session::send_head(Stream& stream, std::string_view lines, std::string_view more_lines,
                        HasBody has_body) {
    list_.clear();
    append_head(lines, list_);
    append_field_lines(more_lines, list_);
    stream.responded = true;
    stream.progressed_at = now_;
    nghttp2_data_provider provider{};
    provider.read_callback = &SessionCallbacks::read_body;
    if (has_body == HasBody::no) {
        stream.body = {};
        stream.body_ends = true;
    }
    const nghttp2_data_provider* body = has_body == HasBody::yes ? &provider : nullptr;
    if (nghttp2_submit_response(session_, stream.id, list_.data(), list_.size(), body) != 0)
        reset(stream, ErrorCode::internal_error);
}

void Session::resume(Stream& stream) {
    if (!stream.is_deferred) return;
    stream.is_deferred = false;
    stream.progressed_at = now_;
    nghttp2_session_resume_data(session_, stream.id);
}

void Session::reset(Stream& stream, ErrorCode code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id,
                              static_cast<std::uint32_t>(code));
}

void Session::consumed(Stream& stream, std::size_t bytes) {
    nghttp2_session_consume_stream(session_, stream.id, bytes);
}

bool Session::is_window_closed(const Stream& stream) const {
    return nghttp2_session_get_stream_remote_window_size(session_, stream.id) <= 0 ||
           nghttp2_session_get_remote_window_size(session_) <= 0;
}

void Session::announce_end() {
    nghttp2_submit_shutdown_notice(session_);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void Session::refuse_new_streams() {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
}

void Session::go_away(ErrorCode code) {
    nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(code));
}

void Session::close(Stream& stream, bool complete) {
    events_.stream_closed(stream, complete);
    streams_.erase_and_dispose(streams_.iterator_to(stream), [](Stream* closed) { delete closed; });
}

void Session::abandon() {
    has_failed_ = true;
    while (!streams_.empty()) {
        Stream& stream = streams_.front();
        nghttp2_session_set_stream_user_data(session_, stream.id, nullptr);
        close(stream, false);
    }
}

void Session::release_memory() {
    request_.release();
    list_ = {};
    trailers_ = {};
}

}  // namespace larder::wire::http2
