#include "http/etag.hpp"

#include "http/lists.hpp"

namespace larder::http {

EntityTag parse_entity_tag(std::string_view text) {
    if (text.size() > 2 && (text[0] == 'W' || text[0] == 'w') && text[1] == '/')
        return {true, text.substr(2)};
    return {false, text};
}

bool strongly_equal(EntityTag a, EntityTag b) { return !a.weak && !b.weak && weakly_equal(a, b); }

bool weakly_equal(EntityTag a, EntityTag b) { return !a.opaque.empty() && a.opaque == b.opaque; }

bool none_match_lists(std::string_view value, EntityTag tag) {
    if (trim_ows(value) == "*") return true;
    // Not for_each_member: in an entity tag a backslash is an ordinary character and does not
    // escape a quote.
    std::size_t at = 0;
    while (at < value.size()) {
        std::size_t end = at;
        bool quoted = false;
        while (end < value.size() && (quoted || value[end] != ',')) quoted ^= value[end++] == '"';
        if (weakly_equal(parse_entity_tag(trim_ows(value.substr(at, end - at))), tag)) return true;
        at = end + 1;
    }
    return false;
}

}  // namespace larder::http
