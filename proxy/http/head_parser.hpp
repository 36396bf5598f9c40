#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

/// Parses the bytes of a head into RequestHead or ResponseHead. http/head_lines.hpp does the
/// grammar. This parser checks the fields that concern the message itself (target, Host, framing,
/// keep-alive) before any other code sees the message. Reused storage makes it allocate nothing.
///
/// The parser is strict wherever two parsers could read the same bytes differently, because such a
/// difference allows request smuggling. It refuses (sections of RFC 9112 unless named):
///   bare CR, bare LF, NUL and other controls anywhere in a head (2.2), obs-fold (5.2); '#' and a
///   missing leading '/' in a target (3.2); no Host, several, an empty or a malformed one (3.2, RFC
///   9110 7.2); authority-form and asterisk-form with other methods (3.2.3, 3.2.4); Content-Length
///   repeated or as a list, even with equal values, signs, and values beyond 63 bits (6.3);
///   Content-Length beside Transfer-Encoding in either order (6.1); Transfer-Encoding in HTTP/1.0
///   (6.1), several lines of it, an unknown coding, and chunked twice or not last (6.1); status
///   codes outside 100..999.
/// The authority of an absolute-form replaces a different Host (3.2.2).
///
/// http/tidy_head.hpp then repairs refused response heads that are unambiguous.
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
    std::size_t consumed = 0;  ///< bytes of the head with its blank line, if complete
    const char* why = "";      ///< for the error response and the log
};

/// Memory that a head's views may point into besides the input. Reused from message to message.
struct HeadStorage {
    std::vector<http::Field> fields;
    std::vector<std::uint32_t> line_ends;  ///< see http::scan_head
    std::string rewritten;                 ///< the origin-form of a target in absolute-form
    std::string host;    ///< the last valid Host; an equal one is not checked again
    std::string tidied;  ///< a repaired response head; empty if no repair was needed

    /// Exchanges the allocated memory with `other`.
    void swap(HeadStorage& other) noexcept {
        fields.swap(other.fields);
        line_ends.swap(other.line_ends);
    }
};

/// `input` begins with the first byte of the message. On `complete` the views in `head` point into
/// `input` and `storage`.
HeadResult parse_request_head(std::string_view input, const HeadLimits& limits,
                              HeadStorage& storage, http::RequestHead& head);

/// `to_head`: this is the response to a HEAD request and has no body, whatever its fields say
/// (6.3). The views point into `storage.tidied`, or into `input` if `tidied` is empty.
HeadResult parse_response_head(std::string_view input, const HeadLimits& limits, bool to_head,
                               HeadStorage& storage, http::ResponseHead& head);

/// Whether the text is a host with an optional port (RFC 9110, 7.2).
bool valid_host(std::string_view host);

}  // namespace larder::http
