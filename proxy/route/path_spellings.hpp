#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larder::route {

/// What an origin may take this path for: with dot segments removed, empty segments removed, the
/// trailing slash removed or kept, encoded slashes and dots taken for real ones, in either order,
/// with and without the `;parameters` of its segments (RFC 3986, 3.3), which many servers leave out
/// of account. Without the path itself; none for an ordinary path. A write through any of these
/// spellings may have changed what the plain spelling shows.
std::vector<std::string> other_spellings(std::string_view path);

/// Whether a segment may have `;parameters`, raw or encoded. Now and then true of one that has
/// none.
bool has_parameters(std::string_view path);

/// The path with each segment cut at its ';'.
std::string without_parameters(std::string_view path);

}  // namespace larder::route
