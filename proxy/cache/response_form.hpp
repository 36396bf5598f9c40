#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cache/ranges.hpp"
#include "cache/response_facts.hpp"
#include "http/message.hpp"

namespace larder::cache {

/// The form in which a request gets a response: the whole, or a 304, 206 or 416 made of a 200.
struct ResponseForm {
    enum class Kind : std::uint8_t {
        whole,          ///< as it is, whatever its status
        not_modified,   ///< 304: the client has it already
        partial,        ///< 206: `range`
        unsatisfiable,  ///< 416: the range lies beyond the end
    };

    Kind kind = Kind::whole;
    int status = 200;
    ByteRange range;                      ///< of a 206
    std::uint64_t whole_length = 0;       ///< of a 206 and a 416: what Content-Range names
    std::optional<std::uint64_t> length;  ///< of the body to send, where it is known

    /// A 304 and a 416 are sent without a body.
    [[nodiscard]] bool has_body() const { return kind == Kind::whole || kind == Kind::partial; }

    /// "bytes 0-4/11" of a 206, "bytes */11" of a 416, else empty.
    [[nodiscard]] std::string content_range() const;
};

/// The request's conditions come before its range (RFC 9110, 13.2.2). Only a 200 changes its form.
/// Allocates nothing where the whole is sent and the request has neither If-Modified-Since nor
/// Range.
ResponseForm decide_form(const http::RequestHead& request, const ResponseFacts& response,
                         WallTime now);

/// The head to send for the form: the status line and the field lines, each with CRLF, without the
/// blank line. `lines` is the head of the whole response, in the same format; fields named in
/// `omit` (lower-case) are dropped. Where nothing changes the result is `lines` itself and nothing
/// is allocated; else it is written to `storage`, whose content is replaced.
/// * 304 (RFC 9110, 15.4.5): without Content-Length, Content-Encoding, Content-Type and
///   Content-Range.
/// * 206 and 416 (15.3.7, 15.5.17): Content-Range and Content-Length stand at the end.
std::string_view head_of_form(const ResponseForm& form, std::string_view lines,
                              std::span<const std::string> omit, std::string& storage);

/// The bytes of a body that the form sends, out of pieces that pass by in order.
class BodyWindow {
public:
    explicit BodyWindow(const ResponseForm& form);

    /// The part of the next piece to send; may be empty.
    [[nodiscard]] std::string_view cut(std::string_view piece);

    /// No byte that is still to come will be sent.
    [[nodiscard]] bool passed() const { return position_ >= end_; }

private:
    std::uint64_t first_ = 0;
    std::uint64_t end_ = UINT64_MAX;  ///< one past the last byte to send
    std::uint64_t position_ = 0;
};

}  // namespace larder::cache
