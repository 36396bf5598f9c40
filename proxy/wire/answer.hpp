#pragma once
#include "flow/client.hpp"
#include "http/head_parser.hpp"
#include "wire/connection.hpp"

/// What is the same for a request of every version of HTTP.
namespace larder::wire {

[[nodiscard]] http::HeadLimits head_limits(const settings::Limits& limits);

/// Adds to a parsed head what is known of the connection. `head_bytes`: of the head as it came.
void complete_head(Connection& connection, flow::Client& client, std::size_t head_bytes);

/// Answers the request, unless its body is announced as too large. The caller finishes it.
[[nodiscard]] net::Task<void> answer(flow::Client& client);

/// Answers a head that is not acceptable with an error. The caller finishes the request.
[[nodiscard]] net::Task<void> refuse(flow::Client& client, http::HeadResult parsed);

/// The kernel resets a connection that is closed with unread bytes, and a client that still sends
/// would lose the last bytes for it. So this ends our direction and reads on for a second, and as
/// long as the client goes on taking what was written, up to a minute.
[[nodiscard]] net::Task<void> linger(Connection& connection);

}  // namespace larder::wire
