#pragma once
#include <optional>
#include <string>
#include <string_view>

/// Routes written as other routers write them. Larder takes such text literally, so no request
/// matches it, and `check` warns.
namespace larder::route {

/// How larder writes a path segment that looks like a placeholder of another tool: ":id",
/// "<int:id>", "$id", "[id]", "*", or a regular expression. Nothing where it looks like a literal.
/// `last`: it is the path's last segment.
std::optional<std::string> larder_segment(std::string_view segment, bool last);

/// How larder writes a placeholder in braces whose inside is another tool's syntax: "id:int",
/// "id:[0-9]+", "id?", "*rest", "rest:path", "rest...". Empty where there is no name in it.
std::string foreign_capture(std::string_view inner, bool last);

/// The first such placeholder in a key or purge template ("$id", "<id>", "%{id}"), with larder's
/// spelling. Nothing where there is none. Does not look for '*' and ":id": in these templates '*'
/// is a pattern, and ':' is a usual separator.
struct ForeignPlaceholder {
    std::string written;
    std::string spelling;
};
std::optional<ForeignPlaceholder> foreign_placeholder(std::string_view text);

/// Whether the text reads as a regular expression.
bool looks_like_regex(std::string_view text);

}  // namespace larder::route
