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
    std::optional<std::uint64_t> bytes;  ///< nothing: known only when the body has ended
    bool in_lines = false;               ///< the response's field lines hold Content-Length already
};

/// The client's side of one exchange: where the request's body comes from and where the response
/// goes. wire/ implements it, for a connection of HTTP/1.1 and for a stream of HTTP/2; nothing else
/// in flow/ knows how a message travels. Lent for one request after the other. One thread.
///
/// Every call that sends returns false once the client is lost; what follows is then pointless.
class Client {
public:
    explicit Client(Services& services_in) : services(services_in) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;

    Services& services;
    std::shared_ptr<const Config> config;  ///< that was in force when the request's head came
    boost::asio::ip::address peer;         ///< or what the PROXY header of a trusted peer said

    [[nodiscard]] Exchange& exchange() { return exchange_; }
    [[nodiscard]] const Exchange& exchange() const { return exchange_; }
    [[nodiscard]] const http::RequestHead& request() const { return exchange_.request; }
    [[nodiscard]] const settings::Settings& settings() const { return config->settings; }

    // ---- the request's body

    /// The whole body, where it came together with the head: valid until the exchange ends. Empty:
    /// there is none, or read_body has to be called.
    [[nodiscard]] virtual std::string_view take_body_at_hand() = 0;
    /// The next piece of the body, valid until the next call, and its end. Within
    /// limits.body_timeout.
    [[nodiscard]] virtual net::Task<origin::BodyReader::Piece> read_body() = 0;
    /// The trailer lines with CRLF each, once read_body has come to the end.
    [[nodiscard]] virtual std::string_view body_trailers() const = 0;
    /// A read_body under way ends, from another coroutine of the same thread. No response can be
    /// sent until `resume`.
    virtual void interrupt() = 0;
    /// Sending works again after `interrupt`, or after a body that did not come in time.
    virtual void resume() = 0;

    // ---- the response

    /// The hot path: sends a stored response at once, with the lines in `exchange().text` behind
    /// its own, without waiting and without a coroutine. What the client does not take now is sent
    /// by whoever called flow/.
    virtual void send_entry_at_once(cache::Stored entry) = 0;
    /// Begins a response: `exchange().text` holds its status line and field lines with CRLF each,
    /// without any of the framing but for a Content-Length where `length.in_lines`. It goes out
    /// with the first piece.
    virtual void begin_response(int status, BodyLength length) = 0;
    /// Sends a piece of the body, and what was not sent before it. A response to HEAD, a 204 and a
    /// 304 have no body: its bytes are dropped.
    [[nodiscard]] virtual net::Task<bool> send_body(std::string_view data, Follows follows) = 0;
    /// Ends the body where no piece was the last one. `trailers` with CRLF each.
    [[nodiscard]] virtual net::Task<bool> end_body(std::string_view trailers) = 0;
    /// Sends an interim response (1xx): `lines` is its status line and field lines. Dropped for
    /// HTTP/1.0 (RFC 9110, 15.2).
    [[nodiscard]] virtual net::Task<bool> send_interim(std::string_view lines) = 0;
    /// The response cannot be completed: what was sent must not look whole.
    virtual void break_off() = 0;
    /// Sends a 101 and copies both directions until both have ended (RFC 9110, 7.8). HTTP/1.1 only:
    /// no other request has an Upgrade field.
    [[nodiscard]] virtual net::Task<void> run_tunnel(std::string_view lines, net::Stream& origin,
                                                     net::Buffer& origin_in) = 0;

    // ---- for HoldUpWatch

    /// How many bytes were sent that the client's side has not acknowledged.
    [[nodiscard]] virtual std::uint64_t bytes_unacknowledged() const = 0;
    [[nodiscard]] virtual bool connected() const = 0;
    /// Ends the exchange under a client that takes nothing.
    virtual void reset() = 0;

private:
    Exchange exchange_;
};

}  // namespace larder::flow
