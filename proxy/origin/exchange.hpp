#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flow/services.hpp"
#include "http/head_parser.hpp"
#include "origin/body_reader.hpp"
#include "origin/pool.hpp"

namespace larder::flow {

/// One request to the origin and the head of its response.
struct OriginExchange {
    origin::ConnectionPtr connection;  ///< owned until released to the pool
    origin::Counted under_way;         ///< in the server's requests; gone before the connection
    http::HeadStorage storage;
    std::string head_bytes;  ///< where `head` was to be kept: what it points into
    http::ResponseHead head;
    WallTime requested_at{};
    WallTime received_at{};
    SteadyTime sent_at{};
    origin::OriginError error = origin::OriginError::none;
    const char* why = "";
    bool repeatable =
        false;  ///< the request may be sent twice (RFC 9110, 9.2.2); set before it is sent

    [[nodiscard]] bool failed() const { return error != origin::OriginError::none; }
    void drop_connection() {
        under_way.end();
        connection.reset();
    }
};

/// Connects and writes the head with what of the body is at hand. Tries other addresses where one
/// cannot be reached: nothing was sent then. `fresh`: not on a kept connection.
net::Task<void> send_request(Services& services, std::shared_ptr<const Config> config,
                             std::string_view head, std::string_view body, bool fresh,
                             OriginExchange& exchange);

/// Reads the next head, interim or final, within response_timeout (`deadline_set`: somebody else
/// watches over it). `keep`: the head gets a copy of its own, else its views die with the next
/// read.
net::Task<void> read_response_head(const settings::Settings& settings, bool to_head,
                                   bool deadline_set, bool keep, OriginExchange& exchange);

/// Whether the request may be sent again: a kept connection ended before the first byte of an
/// answer (RFC 9112, 9.3.1).
bool may_retry(const OriginExchange& exchange);

/// The body ended well: the connection may serve again if nothing speaks against it.
void finish_exchange(Services& services, OriginExchange& exchange, const origin::BodyReader& body);

/// The status and detail that an origin's failure is answered with.
struct FailureAnswer {
    int status;
    cache::Detail detail;
    std::string message;
};
FailureAnswer failure_answer(const OriginExchange& exchange);

void record_origin_failure(Services& services, const Config& config,
                           const OriginExchange& exchange);
void record_origin_success(Services& services, const Config& config,
                           const OriginExchange& exchange);

}  // namespace larder::flow
