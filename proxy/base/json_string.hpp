#pragma once
#include <string>
#include <string_view>

namespace larder {

/// Appends the text as a JSON string (RFC 8259, 7) with its quotes. The result is always valid
/// JSON: U+FFFD replaces each byte that is not UTF-8. Control characters (U+0080 to U+009F too) and
/// line separators are escaped, so the string stays on one line and cannot control a terminal.
void append_json_string(std::string& out, std::string_view text);

/// The same without the quotes.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace larder
