#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// A second look at the head of an origin's response that the strict parser refused. Some origins
/// are lax in ways that leave one reading only. Such a head is written anew as it should have been,
/// and parsed strictly again: what larder stores and passes on is clean. The choice follows nginx,
/// HAProxy, Varnish and curl: what all of them take in the same way is taken, and lists of equal
/// lengths, which RFC 9112 allows to take.
///
/// Taken: LF for CRLF at any line's end; a status line without the space behind the status, or with
/// several before it; HTTP/1.2 to HTTP/1.9, which are 1.1 with additions (RFC 9110, 2.5);
/// Content-Length given several times, as fields or as a list, with equal values (RFC 9112, 6.3),
/// and leading zeros in it.
/// Refused, since peers differ or refuse too: empty lines before the status line, other versions
/// and other spellings of "HTTP", a status that has not three digits, folded lines, white space
/// before a colon, a line without a colon, a name that is no token, CR without LF, control bytes,
/// Content-Length with differing values, a sign, or nothing.
namespace larder::http {

struct TidyHead {
    enum class Kind { complete, need_more, refused };
    Kind kind = Kind::need_more;
    std::size_t consumed = 0;  ///< bytes of the input's head, once complete
    const char* why = "";      ///< once refused
};

/// `out` becomes the clean head, its blank line included, once complete. It is untouched before.
TidyHead tidy_response_head(std::string_view input, std::string& out);

}  // namespace larder::http
