#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Repairs the head of an origin's response that the strict parser refused, if the head is
/// unambiguous. The repaired head is parsed strictly again, so larder stores and passes on only
/// clean heads. The choice follows nginx, HAProxy, Varnish and curl: larder accepts what all of
/// them read in the same way, and repeated equal Content-Length values, which RFC 9112 allows.
///
/// Accepted: LF instead of CRLF; a status line without the space after the status, or with several
/// before it; HTTP/1.2 to HTTP/1.9, which are 1.1 with additions (RFC 9110, 2.5); equal
/// Content-Length values in several fields or as a list (RFC 9112, 6.3); leading zeros in
/// Content-Length.
/// Refused, because other software refuses it or differs: empty lines before the status line, other
/// versions and other spellings of "HTTP", a status without three digits, folded lines, white space
/// before a colon, a line without a colon, a name that is not a token, CR without LF, control
/// bytes, Content-Length with different values, a sign, or no value.
namespace larder::http {

struct TidyHead {
    enum class Kind { complete, need_more, refused };
    Kind kind = Kind::need_more;
    std::size_t consumed = 0;  ///< bytes of the head in the input, if complete
    const char* why = "";      ///< if refused
};

/// If complete, `out` becomes the clean head with its blank line. Otherwise `out` does not change.
TidyHead tidy_response_head(std::string_view input, std::string& out);

}  // namespace larder::http
