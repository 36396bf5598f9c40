#pragma once
#include <string_view>

#include "flow/client.hpp"

namespace larder::flow {

/// Appends Via, Age, X-Cache and Cache-Status as the configuration wants them.
void append_own_fields(Client& client, std::string& out);

/// Begins a response. `lines`: its status line and field lines with CRLF each, see
/// Client::begin_response. Adds Via and larder's own fields.
void begin_response(Client& client, std::string_view lines, int status, BodyLength length);

/// Whether the connection may carry another request after an error.
enum class KeepAlive : std::uint8_t { yes, no };

/// Answers with a response of larder itself. `fields`: its lines with CRLF each, without Date and
/// Content-Length. The views must live until it is sent.
net::Task<void> answer_with(Client& client, int status, std::string_view fields,
                            std::string_view body);

/// Answers with an error from larder itself: small JSON, never stored.
net::Task<void> answer_error(Client& client, int status, cache::Detail detail,
                             std::string_view message, KeepAlive keep_alive);

/// The reason phrase of a status.
std::string_view reason_phrase(int status);

}  // namespace larder::flow
