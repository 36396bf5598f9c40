#pragma once
#include <nghttp2/nghttp2.h>

#include <string_view>
#include <vector>

namespace larder::wire::http2 {

/// Appends :status and the field lines of a response's head in the form of HTTP/1.1: a status line
/// and lines of "Name: value", with CRLF each. The list refers to `lines`. nghttp2 writes the names
/// in lower case when it copies the list.
void append_head(std::string_view lines, std::vector<nghttp2_nv>& list);

/// Appends field lines without a status line.
void append_field_lines(std::string_view lines, std::vector<nghttp2_nv>& list);

}  // namespace larder::wire::http2
