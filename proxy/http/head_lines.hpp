#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/fields.hpp"

/// The grammar of an HTTP/1 head (RFC 9112, 2 to 5): where the head ends, its lines and their
/// parts. http/head_parser.hpp checks what the parts mean. Strict: CR and LF only as a pair, no
/// control byte except HTAB, no line that begins with white space (5.2), no white space around a
/// field's name (5.1), exactly one space between the parts of a start line (3 and 4). All functions
/// are linear in the input and allocate only in the given vectors.
namespace larder::http {

struct HeadScan {
    enum class Kind : std::uint8_t { complete, need_more, bad_byte, folded };
    Kind kind = Kind::need_more;
    std::size_t size = 0;  ///< of the head with its blank line, if complete
};

/// Finds the end of the head that `input` begins with. Replaces `line_ends` by the offset of each
/// line's CR, without the blank line.
HeadScan scan_head(std::string_view input, std::vector<std::uint32_t>& line_ends);

enum class HeadFault : std::uint8_t {
    none,
    method,
    target,
    version,
    status,
    field,
    too_many_fields
};

struct RequestLine {
    std::string_view method;
    std::string_view target;  ///< not empty, no blanks; not checked further
    int minor_version = 1;
};
HeadFault split_request_line(std::string_view line, RequestLine& out);

struct StatusLine {
    int status = 0;  ///< three digits
    std::string_view reason;
    int minor_version = 1;
};
HeadFault split_status_line(std::string_view line, StatusLine& out);

/// Splits all lines but the first into fields and replaces `fields`. The views point into `input`.
HeadFault split_fields(std::string_view input, const std::vector<std::uint32_t>& line_ends,
                       std::size_t fields_max, std::vector<Field>& fields);

}  // namespace larder::http
