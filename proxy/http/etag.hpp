#pragma once
#include <string_view>

/// Entity tags (RFC 9110, 8.8.3). They are compared as they came, quotes included: servers that
/// forget the quotes get back, and match, what they sent.
namespace larder::http {

struct EntityTag {
    bool weak = false;
    std::string_view opaque;  ///< with its quotes, if it has them; empty: no tag
};

/// One entity tag without surrounding white space; `w/` counts as `W/`.
EntityTag parse_entity_tag(std::string_view text);

/// RFC 9110, 8.8.3.2. No tag equals nothing.
bool strongly_equal(EntityTag a, EntityTag b);
bool weakly_equal(EntityTag a, EntityTag b);

/// Whether If-None-Match's value (one line of it) is `*` or lists the tag, compared weakly
/// (13.1.2).
bool none_match_lists(std::string_view value, EntityTag tag);

}  // namespace larder::http
