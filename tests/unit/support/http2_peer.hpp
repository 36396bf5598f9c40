#pragma once
#include <nghttp2/nghttp2.h>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The client's side of an HTTP/2 connection, for tests of larder's side: bytes out, bytes in.
namespace larder::test {

using FieldPairs = std::vector<std::pair<std::string, std::string>>;

inline nghttp2_nv nv_of(const std::pair<std::string, std::string>& field) {
    const auto bytes = [](const std::string& text) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    return {bytes(field.first), bytes(field.second), field.first.size(), field.second.size(),
            NGHTTP2_NV_FLAG_NONE};
}

class Http2Peer {
public:
    struct Response {
        std::string status;
        FieldPairs fields;
        std::string body;
        bool closed = false;
        std::uint32_t code = 0;  ///< with which the stream was closed
    };

    Http2Peer() {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &on_close);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &on_frame);
        nghttp2_option* options = nullptr;
        nghttp2_option_new(&options);
        nghttp2_option_set_no_http_messaging(options, 1);
        nghttp2_session_client_new2(&session_, callbacks, this, options);
        nghttp2_option_del(options);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    }
    Http2Peer(const Http2Peer&) = delete;
    Http2Peer& operator=(const Http2Peer&) = delete;
    ~Http2Peer() { nghttp2_session_del(session_); }

    /// A request with exactly these fields and, unless null, this body. Returns its stream's id.
    std::int32_t request(const FieldPairs& fields, const std::string* body = nullptr) {
        std::vector<nghttp2_nv> list;
        for (const auto& field : fields) list.push_back(nv_of(field));
        body_ = body ? std::string_view(*body) : std::string_view();
        nghttp2_data_provider provider{};
        provider.read_callback = &read_body;
        return nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                      body ? &provider : nullptr, nullptr);
    }
    void reset(std::int32_t id) {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    [[nodiscard]] nghttp2_session* session() { return session_; }

    /// The bytes for larder.
    [[nodiscard]] std::string take() {
        std::string out;
        while (true) {
            const std::uint8_t* bytes = nullptr;
            const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
            if (size <= 0) return out;
            out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
    }
    /// Bytes of larder.
    void receive(std::string_view bytes) {
        const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
        if (nghttp2_session_mem_recv(session_, at, bytes.size()) < 0)
            throw std::runtime_error("not HTTP/2");
    }

    std::map<std::int32_t, Response> responses;
    std::vector<std::uint32_t> go_aways;  ///< codes

private:
    static std::string text(const std::uint8_t* at, std::size_t size) {
        return {reinterpret_cast<const char*>(at), size};
    }
    static Http2Peer& self(void* peer) { return *static_cast<Http2Peer*>(peer); }
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                         std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                         std::uint8_t, void* peer) {
        Response& response = self(peer).responses[frame->hd.stream_id];
        if (text(name, name_size) == ":status") {
            response.status = text(value, value_size);
        } else {
            response.fields.emplace_back(text(name, name_size), text(value, value_size));
        }
        return 0;
    }
    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                       std::size_t size, void* peer) {
        self(peer).responses[id].body += text(data, size);
        return 0;
    }
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* peer) {
        self(peer).responses[id].closed = true;
        self(peer).responses[id].code = code;
        return 0;
    }
    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* peer) {
        if (frame->hd.type == NGHTTP2_GOAWAY)
            self(peer).go_aways.push_back(frame->goaway.error_code);
        return 0;
    }
    static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t most,
                             std::uint32_t* flags, nghttp2_data_source*, void* peer) {
        std::string_view& body = self(peer).body_;
        const std::size_t size = body.copy(reinterpret_cast<char*>(to), most);
        body.remove_prefix(size);
        if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    nghttp2_session* session_ = nullptr;
    std::string_view body_;
};

}  // namespace larder::test
