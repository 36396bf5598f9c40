#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

/// Turns the bytes of a head into our own small structs. http/head_lines.hpp does the grammar; what
/// the fields mean for the message itself (target, Host, framing, keep-alive) is checked here, in
/// one place, before anything else sees the message. Allocates nothing in the steady state.
///
/// Strict where parsers in the field differ (RFC 9112 unless named), since a difference is a way to
/// smuggle:
///   bare CR, bare LF, NUL and other controls anywhere in a head (2.2), obs-fold (5.2); '#' and a
///   missing leading '/' in a target (3.2); no Host, several, an empty or a malformed one (3.2, RFC
///   9110 7.2); absolute-form whose authority differs from Host (3.2.2: the authority wins);
///   authority-form and asterisk-form with other methods (3.2.3, 3.2.4); Content-Length repeated or
///   as a list, even with equal values, signs, and values beyond 63 bits (6.3); Content-Length
///   beside Transfer-Encoding in either order (6.1); Transfer-Encoding in HTTP/1.0 (6.1), several
///   lines of it, an unknown coding, and chunked twice or not last (6.1); status codes outside
///   100..999.
///
/// A response's head that is refused gets a second look, see tidy_head.hpp: some of it has one
/// reading only.
namespace larder::http {

struct HeadLimits {
    std::size_t head_bytes = 32 * 1024;
    std::size_t field_count = 128;
    std::size_t target_bytes = 16 * 1024;
};

enum class HeadStatus : std::uint8_t {
    complete,
    need_more,
    malformed,        ///< 400 (502 for a response)
    too_large,        ///< 431
    target_too_long,  ///< 414
    not_implemented,  ///< 501
};

struct HeadResult {
    HeadStatus status = HeadStatus::need_more;
    std::size_t consumed = 0;  ///< bytes of the head, its blank line included, once complete
    const char* why = "";      ///< for the error answer and the log
};

/// What a head's views may point into besides the input: reused from message to message.
struct HeadStorage {
    std::vector<http::Field> fields;
    std::vector<std::uint32_t> line_ends;  ///< see http::scan_head
    std::string rewritten;                 ///< a target that was not in origin-form
    std::string host;  ///< the last Host that was found valid: mostly that of the next request too
    std::string
        tidied;  ///< a response's head that was written anew; empty: it was clean as it came

    /// Exchanges the room for fields, which is kept from message to message.
    void swap(HeadStorage& other) noexcept {
        fields.swap(other.fields);
        line_ends.swap(other.line_ends);
    }
};

/// `input` begins with the first byte of the message. On `complete` the views in `head` point into
/// `input` and `storage`.
HeadResult parse_request_head(std::string_view input, const HeadLimits& limits,
                              HeadStorage& storage, http::RequestHead& head);

/// `to_head`: the answer to a HEAD, which has no body whatever it says (6.3). The views point into
/// `storage.tidied` where that is not empty, and into `input` else.
HeadResult parse_response_head(std::string_view input, const HeadLimits& limits, bool to_head,
                               HeadStorage& storage, http::ResponseHead& head);

/// Whether the text is a host with an optional port as RFC 9110 7.2 has it.
bool valid_host(std::string_view host);

}  // namespace larder::http
