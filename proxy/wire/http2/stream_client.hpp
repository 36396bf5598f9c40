#pragma once
#include <string>

#include "flow/client.hpp"
#include "net/event.hpp"
#include "wire/http2/stream.hpp"

namespace larder::wire::http2 {

class Endpoint;

/// A request of an HTTP/2 stream and the sending of its response. Lent to a stream until nobody
/// works on its request any more, which may be after the stream was closed.
class StreamClient final : public flow::Client {
public:
    explicit StreamClient(flow::Services& services);

    /// Serves this stream from now on. `head` holds the request's head in the form of HTTP/1.1; the
    /// Client exchanges its own memory for it.
    void attach(Endpoint& endpoint, Stream& stream);
    /// Releases everything of the stream, before another stream gets the Client.
    void detach();

    /// The text that the request's head is parsed from; keep it until detach().
    std::string head_text;

    // ---- what the session tells
    void body_came(std::string_view data);
    void body_ended(std::string_view trailers);
    void body_taken();
    /// Nothing can be sent any more. `complete`: the whole response was sent.
    void stream_closed(bool complete);
    /// Null: the stream is closed.
    [[nodiscard]] Stream* stream() const { return stream_; }

    std::string_view take_body_at_hand() override;
    net::Task<origin::BodyReader::Piece> read_body() override;
    [[nodiscard]] std::string_view body_trailers() const override { return trailers_; }
    void interrupt() override;
    void resume() override { interrupted_ = false; }

    void send_entry_at_once(cache::Stored entry) override;
    [[nodiscard]] bool has_rest() const override;
    net::Task<void> send_rest() override;
    void begin_response(int status, flow::BodyLength length) override;
    net::Task<bool> send_body(std::string_view data, flow::Follows follows) override;
    net::Task<bool> end_body(std::string_view trailers) override;
    net::Task<bool> send_interim(std::string_view lines) override;
    void break_off() override;
    net::Task<void> run_tunnel(std::string_view lines, net::Stream& origin,
                               net::Buffer& origin_in) override;

    [[nodiscard]] std::uint64_t bytes_unacknowledged() const override;
    [[nodiscard]] bool connected() const override { return stream_ != nullptr; }
    void reset() override;

private:
    [[nodiscard]] bool take_buffered(origin::BodyReader::Piece& piece);
    net::Task<bool> send(std::string_view data, flow::Follows follows);

    Endpoint* endpoint_ = nullptr;
    Stream* stream_ = nullptr;
    net::Event body_event_;  ///< for the coroutine that reads the body,
    net::Event sent_event_;  ///< and for the one that sends the response
    net::Buffer arriving_;   ///< bytes of the body that nobody has asked for,
    net::Buffer lent_;       ///< and those that read_body returned last
    std::string trailers_;
    bool body_ended_ = false;
    bool interrupted_ = false;
    bool has_body_ = true;  ///< the response, in the sense of RFC 9110, 6.4.1
    bool sent_well_ = false;
};

}  // namespace larder::wire::http2
