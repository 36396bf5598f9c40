#include "flow/upload.hpp"

#include <array>

#include "http/chunked.hpp"
#include "net/detached.hpp"

namespace larder::flow {
namespace {

using Status = origin::BodyReader::Status;

using net::piece;

Upload::End end_of(Status status) {
    switch (status) {
        case Status::malformed:
            return Upload::End::client_malformed;
        case Status::timed_out:
            return Upload::End::client_timeout;
        default:
            return Upload::End::client_lost;
    }
}

net::Task<bool> pass_piece(Upload& upload, std::string_view data) {
    const http::ChunkHead chunk(data.size());
    std::string_view before;
    std::string_view after;
    if (upload.chunked) {
        before = chunk.text();
        after = "\r\n";
    }
    std::array<iovec, 3> pieces{piece(before), piece(data), piece(after)};
    const bool sent =
        co_await upload.origin.write_all(pieces, upload.client.upstream()->settings().idle_timeout);
    co_return sent;
}

net::Task<bool> pass_end(Upload& upload) {
    if (!upload.chunked) co_return true;
    std::array<iovec, 3> pieces{piece("0\r\n"), piece(upload.client.body_trailers()),
                                piece("\r\n")};
    const bool sent =
        co_await upload.origin.write_all(pieces, upload.client.upstream()->settings().idle_timeout);
    co_return sent;
}

net::Task<Upload::End> pass_body(Upload& upload) {
    while (true) {
        const origin::BodyReader::Piece next = co_await upload.client.read_body();
        if (upload.end == Upload::End::stopped) co_return Upload::End::stopped;
        if (next.status == Status::end) break;
        if (next.status != Status::data) co_return end_of(next.status);
        upload.bytes += next.data.size();
        if (upload.bytes > upload.client.settings().limits.body_bytes)
            co_return Upload::End::too_large;
        const bool sent = co_await pass_piece(upload, next.data);
        if (upload.end == Upload::End::stopped) co_return Upload::End::stopped;
        if (!sent) co_return Upload::End::origin_lost;
    }
    const bool sent = co_await pass_end(upload);
    co_return sent ? Upload::End::well : Upload::End::origin_lost;
}

// Reports the end of the upload, also after an exception: stop_upload waits for it before client
// and origin go.
class Ending {
public:
    explicit Ending(Upload& upload) : upload_(upload) {}
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() {
        upload_.end = end;
        if (end == Upload::End::well) {
            if (!upload_.answered)
                upload_.origin.expire_at(steady_now() +
                                         upload_.client.upstream()->settings().response_timeout);
        } else if (end != Upload::End::origin_lost && end != Upload::End::stopped) {
            upload_.origin.abort();
        }
        upload_.finished.notify();
    }

    Upload::End end = Upload::End::failed;

private:
    Upload& upload_;
};

net::Task<void> run_upload(std::shared_ptr<Upload> upload) {
    Ending ending(*upload);
    ending.end = co_await pass_body(*upload);
}

}  // namespace

void start_upload(std::shared_ptr<Upload> upload) {
    const net::Executor executor = upload->client.services.executor();
    net::start_detached(executor, run_upload(std::move(upload)), "an upload");
}

net::Task<void> stop_upload(std::shared_ptr<Upload> upload) {
    if (!upload) co_return;
    if (upload->end == Upload::End::none) {
        upload->end = Upload::End::stopped;
        upload->client.interrupt();
        upload->origin.cancel();
        // Both streams are cancelled, so the upload ends by itself, also when the worker stops. It
        // uses the streams until then.
        const bool told = co_await upload->finished.wait();
        static_cast<void>(told);
        upload->client.resume();  // a response may still be due
    }
}

}  // namespace larder::flow
