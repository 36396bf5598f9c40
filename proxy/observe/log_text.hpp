#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Writes values into a log line. Whoever sent a value, it can neither end the line, nor forge
/// another field, nor send commands to a terminal.
namespace larder::observe {

/// The part of one value that is kept; the rest becomes "...".
inline constexpr std::size_t logged_bytes_max = 2048;

/// Appends in double quotes: `"` and `\` with a backslash before them, control bytes and all beyond
/// ASCII as \xHH. Empty becomes `-` without quotes.
void append_quoted(std::string& out, std::string_view value);

/// The same escapes without the quotes around it, for the message of a text line.
void append_plain(std::string& out, std::string_view value);

/// Appends a JSON string with its quotes (base/json_string.hpp).
void append_json_value(std::string& out, std::string_view value);

}  // namespace larder::observe
