#pragma once
#include <string>
#include <vector>

#include "http/message.hpp"

namespace larder::cache {

/// The response tags that the origin sent: in the fields that `tag_headers` names (lower-case, see
/// add_named_tags), and Cache-Groups (RFC 9875, each prefixed "group:"). Appended to `tags`: all
/// that the response names, each once, however many. See are_within_tag_bounds.
void collect_origin_tags(const http::ResponseHead& response,
                         const std::vector<std::string>& tag_headers,
                         std::vector<std::string>& tags);

/// Appends the tags in the value of such a field: separated by commas and white space.
void add_named_tags(std::string_view value, std::vector<std::string>& tags);

/// Removes all but the first of equal names; the order stays. Linear.
void remove_repeats(std::vector<std::string>& names);

/// Whether an entry can carry all of these tags (1024, of 1024 bytes each). A response that names
/// more must not be stored (Detail::limit), since a purge by a tag that was left out would miss it.
bool are_within_tag_bounds(const std::vector<std::string>& tags);

/// The groups that the response to a write invalidates (RFC 9875, Cache-Group-Invalidation),
/// prefixed "group:". All of them: only the size of a head bounds them.
void collect_invalidated_groups(const http::ResponseHead& response, std::vector<std::string>& tags);

}  // namespace larder::cache
