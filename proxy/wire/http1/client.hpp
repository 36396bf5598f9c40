#pragma once
#include <optional>

#include "flow/client.hpp"
#include "wire/http1/response_framing.hpp"

namespace larder::wire {
struct Connection;
}

namespace larder::wire::http1 {

/// A request of an HTTP/1.x connection and the sending of its response (RFC 9112). Lent to the
/// connection from the first byte of a request until the connection is idle.
class Client final : public flow::Client {
public:
    explicit Client(flow::Services& services);

    /// Serves this connection from now on.
    void attach(Connection& connection) { connection_ = &connection; }
    /// Forgets the last request.
    void begin_request();
    /// Releases everything of this connection, before another connection gets the Client.
    void detach();
    /// Call it when the response was sent. The bytes left in the connection's buffer belong to the
    /// next request.
    void end_request();

    std::string_view take_body_at_hand() override;
    net::Task<origin::BodyReader::Piece> read_body() override;
    [[nodiscard]] std::string_view body_trailers() const override;
    void interrupt() override;
    void resume() override;

    void send_entry_at_once(cache::Stored entry) override;
    [[nodiscard]] bool has_rest() const override { return rest_of_ != nullptr; }
    net::Task<void> send_rest() override;
    void begin_response(int status, flow::BodyLength length) override;
    net::Task<bool> send_body(std::string_view data, flow::Follows follows) override;
    net::Task<bool> end_body(std::string_view trailers) override;
    net::Task<bool> send_interim(std::string_view lines) override;
    void break_off() override;
    net::Task<void> run_tunnel(std::string_view lines, net::Stream& origin,
                               net::Buffer& origin_in) override;

    [[nodiscard]] std::uint64_t bytes_unacknowledged() const override;
    [[nodiscard]] bool connected() const override;
    void reset() override;

private:
    [[nodiscard]] bool may_keep_alive();
    void keep_head_apart();
    void note_sent(bool sent);

    Connection* connection_ = nullptr;
    net::Buffer head_;  ///< the present head, while its body uses the connection's buffer
    std::optional<origin::BodyReader> body_;
    std::size_t body_at_hand_ = 0;
    ResponseFraming framing_;
    bool ended_ = false;         ///< the last byte of the response was sent
    cache::Stored rest_of_;      ///< a stored response that the client took only in part,
    std::size_t rest_sent_ = 0;  ///< and how many bytes it took
};

}  // namespace larder::wire::http1
