#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace larder::settings {

/// Looks up a variable; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own. Not to be called while another thread changes the environment.
Environment process_environment();

/// Text with its variables replaced, or `error` (not empty) that says what is wrong with it.
struct Substituted {
    std::string text;
    std::string error;
};

/// Replaces `${NAME}` and `${NAME:-default}` (the default stands for an unset and for an empty
/// variable, as in a shell, and may hold paired braces and further `${...}`), and `${file:/path}`
/// by what the file holds, without its last line end. `$${` is a literal
/// `${`; any other `$` stays as it is. What a variable holds is not looked at again: it is only
/// ever text of the one value that names it.
Substituted substitute_environment(std::string_view text, const Environment& environment);

}  // namespace larder::settings
