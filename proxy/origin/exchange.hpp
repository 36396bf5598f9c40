#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/head_parser.hpp"
#include "origin/body_reader.hpp"
#include "origin/pool.hpp"

namespace larder::origin {

/// One request to the origin and the head of its response.
struct Exchange {
    ConnectionPtr connection;  ///< owned until released to the pool
    Counted under_way;         ///< in the address's requests; ends before the connection
    http::HeadStorage storage;
    std::string head_bytes;  ///< the bytes that a kept head points into
    http::ResponseHead head;
    WallTime requested_at{};
    WallTime received_at{};
    SteadyTime sent_at{};
    OriginError error = OriginError::none;
    const char* why = "";
    bool repeatable = false;  ///< the request may be sent twice (RFC 9110, 9.2.2); set before it is
                              ///< sent
    bool lasts = false;  ///< the answer may be stored, or tells of a write: bytes that the origin
                         ///< sent unasked on a kept connection must not be taken for it (RFC 9112,
                         ///< 6.3); set before the request is sent
    std::vector<FailedConnect> failed_connects;  ///< on the way to the last connection

    [[nodiscard]] bool failed() const { return error != OriginError::none; }
    void drop_connection() {
        under_way.end();
        connection.reset();
    }
};

/// Which connection a request may take.
enum class ConnectionAge : std::uint8_t { any, fresh };

/// A request as it is sent: its head, and its body where all of it is at hand.
struct RequestBytes {
    std::string_view head;
    std::string_view body;
};

/// Connects and writes the request. Tries other addresses where one cannot be reached, since
/// nothing was sent to that one. The result is in the exchange.
net::Task<void> send_request(Pool& pool, std::shared_ptr<Upstream> upstream, RequestBytes request,
                             ConnectionAge age, Exchange& exchange);

/// How a head is read.
struct HeadReading {
    /// The kind of the request: a response to HEAD has no body.
    enum class ReplyTo : std::uint8_t { head, other };
    /// Whether the head gets a copy of its own; else its views are valid until the next read.
    enum class Views : std::uint8_t { until_next_read, kept };

    ReplyTo reply_to = ReplyTo::other;
    Views views = Views::until_next_read;
    /// Counts from the call; max(): sets no deadline, since the caller watches over it.
    Milliseconds timeout = Milliseconds::max();
};

/// Reads the next head, interim or final. The result is in the exchange.
net::Task<void> read_response_head(HeadReading reading, Exchange& exchange);

/// Whether the request may be sent again: a kept connection ended before the first byte of a
/// response (RFC 9112, 9.3.1).
[[nodiscard]] bool may_retry(const Exchange& exchange);

/// Ends the exchange. The connection goes back to the pool if the body ended well and the
/// connection can serve again.
void finish_exchange(Pool& pool, Exchange& exchange, const BodyReader& body);

}  // namespace larder::origin
