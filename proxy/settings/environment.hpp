#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace larder::settings {

/// Looks up a variable; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of the process. Must not be used while another thread changes the environment.
Environment process_environment();

/// Text with its variables replaced, or `error` (not empty) that says what is wrong with it.
struct Substituted {
    std::string text;
    std::string error;
};

/// Replaces `${NAME}` and `${NAME:-default}`. The default is for a variable that is unset or empty,
/// as in a shell; it may hold paired braces and further `${...}`. Replaces `${file:/path}` by the
/// content of the file, without its last line end. `$${` is a literal `${`; any other `$` stays as
/// it is. The content of a variable is not replaced again: it is always plain text of the one value
/// that names it.
Substituted substitute_environment(std::string_view text, const Environment& environment);

}  // namespace larder::settings
