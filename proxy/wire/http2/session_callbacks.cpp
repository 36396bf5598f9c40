#include "wire/http2/session_callbacks.hpp"

#include <algorithm>

#include "http/chunked.hpp"
#include "wire/http2/field_list.hpp"

namespace larder::wire::http2 {
namespace {

std::string_view text_of(const std::uint8_t* at, std::size_t size) {
    return {reinterpret_cast<const char*>(at), size};
}

Session& session_of(void* user_data) { return *static_cast<Session*>(user_data); }

// Null: the stream is closed already, or was never opened.
Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

bool ends_stream(const nghttp2_frame& frame) {
    return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

bool is_request(const nghttp2_frame& frame) {
    return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
}

// Codes of streams that larder ends because of something that the client did.
bool blames_client(std::uint32_t code) {
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
           code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR ||
           code == NGHTTP2_REFUSED_STREAM;
}

// What is in the trailer section, without the fields that may not be there.
void append_trailer(std::string_view name, std::string_view value, std::string& trailers) {
    if (!http::may_be_trailer(name)) return;
    trailers += name;
    trailers += ": ";
    trailers += value;
    trailers += "\r\n";
}

}  // namespace

const nghttp2_session_callbacks* SessionCallbacks::all() {
    static const nghttp2_session_callbacks* const made = [] {
        nghttp2_session_callbacks* to = nullptr;
        if (nghttp2_session_callbacks_new(&to) != 0) throw std::bad_alloc();
        nghttp2_session_callbacks_set_on_begin_headers_callback(to, &begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(to, &header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(to, &invalid_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(to, &frame_came);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, &data_came);
        nghttp2_session_callbacks_set_send_data_callback(to, &send_data);
        nghttp2_session_callbacks_set_on_frame_send_callback(to, &frame_sent);
        nghttp2_session_callbacks_set_on_stream_close_callback(to, &stream_closed);
        return to;
    }();
    return made;
}

int SessionCallbacks::begin_headers(nghttp2_session* of, const nghttp2_frame* frame,
                                    void* user_data) {
    Session& session = session_of(user_data);
    if (!is_request(*frame)) {
        session.trailers_.clear();
        return 0;
    }
    auto* stream = new Stream;
    stream->id = frame->hd.stream_id;
    session.streams_.push_back(*stream);
    nghttp2_session_set_stream_user_data(of, stream->id, stream);
    session.request_.begin(session.limits_.head_bytes);
    return 0;
}

int SessionCallbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                             std::size_t name_size, const std::uint8_t* value,
                             std::size_t value_size, std::uint8_t, void* user_data) {
    Session& session = session_of(user_data);
    const std::string_view name_text = text_of(name, name_size);
    const std::string_view value_text = text_of(value, value_size);
    if (is_request(*frame)) {
        if (session.request_.add(name_text, value_text)) return 0;
    } else {
        append_trailer(name_text, value_text, session.trailers_);
        if (session.trailers_.size() <= session.limits_.head_bytes) return 0;
    }
    session.is_abusive_ = true;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Without this function nghttp2 drops a field with forbidden bytes and takes the rest.
int SessionCallbacks::invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                                     std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                                     void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void SessionCallbacks::headers_came(Session& session, const nghttp2_frame& frame) {
    Stream* stream = stream_of(session.session_, frame.hd.stream_id);
    if (!stream) return;
    if (ends_stream(frame)) stream->receives = false;
    if (!is_request(frame)) {
        session.events_.body_ended(*stream, session.trailers_);
        return;
    }
    session.budget_.earn_request();
    const RequestText::Verdict verdict = session.request_.finish();
    if (verdict == RequestText::Verdict::malformed) {
        session.reset(*stream, ErrorCode::protocol_error);
    } else {
        session.events_.request_came(*stream, verdict, session.request_);
    }
}

int SessionCallbacks::frame_came(nghttp2_session* of, const nghttp2_frame* frame, void* user_data) {
    Session& session = session_of(user_data);
    switch (frame->hd.type) {
        case NGHTTP2_HEADERS:
            headers_came(session, *frame);
            break;
        case NGHTTP2_DATA:
            if (Stream* stream =
                    ends_stream(*frame) ? stream_of(of, frame->hd.stream_id) : nullptr) {
                stream->receives = false;
                session.events_.body_ended(*stream, {});
            }
            break;
        case NGHTTP2_RST_STREAM:
            if (!session.budget_.spend_reset(session.now_)) session.is_abusive_ = true;
            break;
        case NGHTTP2_SETTINGS:
            session.greeted_ = true;
            break;
        case NGHTTP2_PING:
            if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) session.events_.end_acknowledged();
            break;
        default:
            break;
    }
    return 0;
}

int SessionCallbacks::data_came(nghttp2_session* of, std::uint8_t, std::int32_t id,
                                const std::uint8_t* data, std::size_t size, void* user_data) {
    Session& session = session_of(user_data);
    session.budget_.earn_data();
    // The connection's window is open always: one stream that is not read must not stop the
    // others. The streams' own windows bound what a connection holds.
    nghttp2_session_consume_connection(of, size);
    if (Stream* stream = stream_of(of, id)) session.events_.body_came(*stream, text_of(data, size));
    return 0;
}

ssize_t SessionCallbacks::read_body(nghttp2_session* of, std::int32_t id, std::uint8_t*,
                                    std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                                    void* user_data) {
    Session& session = session_of(user_data);
    Stream* stream = stream_of(of, id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t size = std::min(most, stream->body.size());
    if (size == 0 && !stream->body_ends) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!stream->body_ends || size < stream->body.size()) return static_cast<ssize_t>(size);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers.empty()) return static_cast<ssize_t>(size);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    session.list_.clear();
    append_field_lines(stream->trailers, session.list_);
    if (nghttp2_submit_trailer(of, id, session.list_.data(), session.list_.size()) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return static_cast<ssize_t>(size);
}

int SessionCallbacks::send_data(nghttp2_session* of, nghttp2_frame* frame, const std::uint8_t* head,
                                std::size_t size, nghttp2_data_source*, void* user_data) {
    Session& session = session_of(user_data);
    Stream* stream = stream_of(of, frame->hd.stream_id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    constexpr std::size_t head_size = 9;
    session.output_->add(text_of(head, head_size));
    const std::string_view data = stream->body.substr(0, size);
    if (stream->entry) {
        session.output_->add(data, stream->entry);
    } else {
        session.output_->add(data);
    }
    stream->body.remove_prefix(size);
    stream->progressed_at = session.now_;
    session.budget_.earn_sent(size);
    if (stream->body.empty()) session.events_.body_taken(*stream);
    return session.output_->full() ? NGHTTP2_ERR_PAUSE : 0;
}

int SessionCallbacks::frame_sent(nghttp2_session* of, const nghttp2_frame* frame, void* user_data) {
    Session& session = session_of(user_data);
    const bool has_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (has_end && ends_stream(*frame)) {
        // RFC 9113, 8.1: the response is complete, so the rest of the request is of no use.
        const Stream* stream = stream_of(of, frame->hd.stream_id);
        if (stream && stream->receives)
            nghttp2_submit_rst_stream(of, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM && blames_client(frame->rst_stream.error_code))
        if (!session.budget_.spend_reset(session.now_)) session.is_abusive_ = true;
    return 0;
}

int SessionCallbacks::stream_closed(nghttp2_session* of, std::int32_t id, std::uint32_t code,
                                    void* user_data) {
    Stream* stream = stream_of(of, id);
    if (!stream) return 0;
    nghttp2_session_set_stream_user_data(of, id, nullptr);
    const bool complete =
        stream->is_response_complete() && stream->body.empty() && code == NGHTTP2_NO_ERROR;
    session_of(user_data).close(*stream, complete);
    return 0;
}

}  // namespace larder::wire::http2
