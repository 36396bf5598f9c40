#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flow/client.hpp"

namespace larder::flow {

/// Sends one response to the client: head and first piece of the body in one write, the framing as
/// the client's version allows (RFC 9112, 6 and 7). Every call returns false once the connection is
/// lost; the rest is then pointless.
class ResponseSender {
public:
    explicit ResponseSender(Client& client) : client_(client) {}

    /// Sets the head to send with the first piece: `lines` is the status line and the field lines
    /// with CRLF, without framing fields but for a Content-Length where `length_in_lines`. `length`
    /// of the body, where it is known. Adds larder's own fields, Via and Connection.
    /// `trailers_possible`: chunked even where a length would do.
    void set_head(std::string_view lines, int status, std::optional<std::uint64_t> length,
                  bool length_in_lines);

    /// A piece of the body; `last` where nothing follows and there are no trailers.
    [[nodiscard]] net::Task<bool> body(std::string_view data, bool last);
    /// Ends the body where no piece was the last one. `trailers` with CRLF each.
    [[nodiscard]] net::Task<bool> end(std::string_view trailers);

    /// An interim response (1xx), as it came; dropped for HTTP/1.0 (RFC 9110, 15.2).
    [[nodiscard]] net::Task<bool> interim(std::string_view lines);

    /// The response cannot be completed: what was sent must not look whole.
    void break_off();

    [[nodiscard]] bool has_body() const { return has_body_; }

private:
    Client& client_;
    bool has_body_ = true;
    bool chunked_ = false;
    bool until_close_ = false;
    bool ended_ = false;
};

/// Answers with an error of larder's own: small JSON, never stored. `close`: the connection cannot
/// go on.
net::Task<void> answer_error(Client& client, int status, cache::Detail detail,
                             std::string_view message, bool close);

/// The reason phrase of a status.
std::string_view reason_phrase(int status);

}  // namespace larder::flow
