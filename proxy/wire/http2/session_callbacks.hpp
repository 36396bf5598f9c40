#pragma once
#include <nghttp2/nghttp2.h>

#include "wire/http2/session.hpp"

namespace larder::wire::http2 {

/// The functions that nghttp2 calls, with the Session as `user_data`.
struct SessionCallbacks {
    /// All of them, made once for the process.
    [[nodiscard]] static const nghttp2_session_callbacks* all();

    static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                             std::size_t most, std::uint32_t* flags, nghttp2_data_source* source,
                             void* user_data);

private:
    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user_data);
    static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t flags, void* user_data);
    static int invalid_header(nghttp2_session*, const nghttp2_frame* frame,
                              const std::uint8_t* name, std::size_t name_size,
                              const std::uint8_t* value, std::size_t value_size, std::uint8_t flags,
                              void* user_data);
    static int frame_came(nghttp2_session*, const nghttp2_frame* frame, void* user_data);
    static int data_came(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                         const std::uint8_t* data, std::size_t size, void* user_data);
    static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                         std::size_t size, nghttp2_data_source* source, void* user_data);
    static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data);
    static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code,
                             void* user_data);
    static void headers_came(Session& session, const nghttp2_frame& frame);
};

}  // namespace larder::wire::http2
