#pragma once
#include <memory>

#include "flow/client.hpp"
#include "net/event.hpp"
#include "origin/body_reader.hpp"

namespace larder::flow {

/// Sends the request's body to the origin while another coroutine waits for the answer, because an
/// origin may answer before the upload has ended. If the body does not end well, the origin's
/// connection is aborted, so that the origin cannot take half an upload for a whole one.
struct Upload {
    enum class End : std::uint8_t {
        none,  ///< still under way
        well,  ///< the whole body was passed on
        client_lost,
        client_malformed,
        client_timeout,
        too_large,  ///< limits.body_bytes
        origin_lost,
        stopped,  ///< the answer was complete before the upload
        failed,   ///< an exception, which is logged
    };

    Upload(Client& client_in, net::Stream& origin_in, bool chunked_in)
        : client(client_in),
          origin(origin_in),
          chunked(chunked_in),
          finished(client_in.services.executor(), net::Event::OnStop::goes_on) {}

    Client& client;
    net::Stream& origin;
    bool chunked;
    std::uint64_t bytes = 0;
    End end = End::none;
    bool answered =
        false;  ///< the final head of the response is there, so no deadline is set for it
    net::Event finished;
};

/// Starts the upload as its own coroutine, which holds the Upload until it has ended. Client and
/// origin must live until `end` is set: see stop_upload.
void start_upload(std::shared_ptr<Upload> upload);

/// Stops the upload if it is still under way, and waits until it no longer uses client and origin.
net::Task<void> stop_upload(std::shared_ptr<Upload> upload);

}  // namespace larder::flow
