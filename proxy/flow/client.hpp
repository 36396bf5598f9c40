#pragma once
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "flow/exchange.hpp"
#include "flow/services.hpp"
#include "net/buffer.hpp"
#include "net/stream.hpp"
#include "origin/body_reader.hpp"

namespace larder::flow {

/// Whether more of a message follows the piece that is sent.
enum class Follows : std::uint8_t { more, nothing };

/// The framing of a response's body, as far as flow/ knows it.
struct BodyLength {
    std::optional<std::uint64_t> bytes;  ///< nothing: unknown until the body ends
    bool in_lines = false;               ///< the response's field lines hold Content-Length already
};

/// The client's side of one exchange: the source of the request's body and the destination of the
/// response. wire/ implements it, so flow/ does not know how a message travels. One object serves
/// one request after another. One thread.
///
/// Every call that sends returns false once the client is lost; further calls have no effect.
class Client {
public:
    explicit Client(Services& services_in) : services(services_in) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;

    Services& services;
    std::shared_ptr<const Config> config;  ///< in force when the request's head came
    boost::asio::ip::address peer;         ///< or the address in a trusted peer's PROXY header

    [[nodiscard]] Exchange& exchange() { return exchange_; }
    [[nodiscard]] const Exchange& exchange() const { return exchange_; }
    [[nodiscard]] const http::RequestHead& request() const { return exchange_.request; }
    [[nodiscard]] const settings::Settings& settings() const { return config->settings; }
    /// Where the exchange's request goes.
    [[nodiscard]] const std::shared_ptr<origin::Upstream>& upstream() const {
        return config->upstream_of(exchange_.match.route);
    }

    // ---- the request's body

    /// The whole body, if it came together with the head; valid until the exchange ends. Empty:
    /// there is no body, or read_body has to be called.
    [[nodiscard]] virtual std::string_view take_body_at_hand() = 0;
    /// The next piece of the body, valid until the next call, or the end of the body. Waits at most
    /// limits.body_timeout.
    [[nodiscard]] virtual net::Task<origin::BodyReader::Piece> read_body() = 0;
    /// The trailer lines with CRLF each, after read_body has returned the end.
    [[nodiscard]] virtual std::string_view body_trailers() const = 0;
    /// Ends a read_body that waits in another coroutine of the same thread. No response can be sent
    /// until `resume`.
    virtual void interrupt() = 0;
    /// Makes sending possible again after `interrupt`, or after a timeout of read_body.
    virtual void resume() = 0;

    // ---- the response

    /// Sends a stored response, with the lines in `exchange().text` after its own lines, as far as
    /// the client takes it now: the hot path, without a coroutine. Where it is called without one,
    /// the caller of flow/ sends the rest.
    virtual void send_entry_at_once(cache::Stored entry) = 0;
    /// Whether a part of that response is still to be sent.
    [[nodiscard]] virtual bool has_rest() const = 0;
    /// Sends that part.
    [[nodiscard]] virtual net::Task<void> send_rest() = 0;
    /// Begins a response: `exchange().text` holds its status line and field lines with CRLF each.
    /// They contain no framing except Content-Length if `length.in_lines`. The head is sent with
    /// the first piece of the body.
    virtual void begin_response(int status, BodyLength length) = 0;
    /// Sends a piece of the body, after everything not sent yet. Drops the bytes of a response to
    /// HEAD, a 204 and a 304, which have no body.
    [[nodiscard]] virtual net::Task<bool> send_body(std::string_view data, Follows follows) = 0;
    /// Ends the body if no piece was sent with Follows::nothing. `trailers` with CRLF each.
    [[nodiscard]] virtual net::Task<bool> end_body(std::string_view trailers) = 0;
    /// Sends an interim response (1xx): `lines` is its status line and field lines. Dropped for
    /// HTTP/1.0 (RFC 9110, 15.2).
    [[nodiscard]] virtual net::Task<bool> send_interim(std::string_view lines) = 0;
    /// Ends an incomplete response so that the client sees that it is incomplete.
    virtual void break_off() = 0;
    /// Sends a 101 and copies both directions until both have ended (RFC 9110, 7.8). HTTP/1.1 only.
    [[nodiscard]] virtual net::Task<void> run_tunnel(std::string_view lines, net::Stream& origin,
                                                     net::Buffer& origin_in) = 0;

    // ---- for HoldUpWatch

    /// How many sent bytes the client has not acknowledged.
    [[nodiscard]] virtual std::uint64_t bytes_unacknowledged() const = 0;
    [[nodiscard]] virtual bool connected() const = 0;
    /// Ends the exchange with a client that takes nothing.
    virtual void reset() = 0;

private:
    Exchange exchange_;
};

}  // namespace larder::flow
