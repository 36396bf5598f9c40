#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larder::route {

/// The other paths that an origin may take this path for: with dot segments removed, empty segments
/// removed, the trailing slash removed or kept, encoded slashes and dots taken for real ones, in
/// either order, with and without the `;parameters` of its segments (RFC 3986, 3.3), which many
/// servers ignore. The path itself is not among them; an ordinary path has none. A write through
/// any of these spellings may have changed what the plain spelling shows.
std::vector<std::string> other_spellings(std::string_view path);

/// Whether a segment may have `;parameters`, raw or encoded. Can be true for a path that has none.
bool has_parameters(std::string_view path);

/// The path with each segment cut at its ';'.
std::string without_parameters(std::string_view path);

}  // namespace larder::route
