#pragma once
#include <string_view>

/// Entity tags (RFC 9110, 8.8.3). Tags are stored and compared with their quotes, as received. So a
/// tag of a server that forgets the quotes still works.
namespace larder::http {

struct EntityTag {
    bool weak = false;
    std::string_view opaque;  ///< with its quotes, if it has them; empty if there is no tag
};

/// One entity tag without surrounding white space; `w/` counts as `W/`.
EntityTag parse_entity_tag(std::string_view text);

/// RFC 9110, 8.8.3.2. An empty tag equals no other tag, not even another empty one.
bool strongly_equal(EntityTag a, EntityTag b);
bool weakly_equal(EntityTag a, EntityTag b);

/// Whether one line of If-None-Match is `*` or lists the tag, compared weakly (13.1.2).
bool none_match_lists(std::string_view value, EntityTag tag);

}  // namespace larder::http
